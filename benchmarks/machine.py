"""The processor that a benchmark runs on, and the settings it is measured under."""

import os
import pathlib
import platform

VARIABLE = "TF_ENABLE_ONEDNN_OPTS"

# What the processes of a benchmark get beside their environment. Nothing set by the
# user means oneDNN on, as the package turns it on.
SETTINGS = {"oneDNN on": {}, "oneDNN off": {VARIABLE: "0"}}

# Makes oneDNN, PyTorch and MKL compute as on a processor that has no AVX-512.
AVX2 = {
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
}


def describe(avx2=False):
    """Returns a line about the processor and its instruction sets.

    Args:
        avx2: bool, whether the processes are limited to AVX2.
    """
    name, flags = platform.processor() or platform.machine(), []
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        fields = dict(line.split(":", 1) for line in reversed(lines) if ":" in line)
        fields = {key.strip(): value.strip() for key, value in fields.items()}
        name = fields.get("model name", name)
        known = ("avx", "fma", "amx", "asimd", "sve")
        flags = [f for f in fields.get("flags", "").split() if f.startswith(known)]
    limited = "; limited to AVX2" if avx2 else ""
    return f"{name}, {os.cpu_count()} cores: {' '.join(flags)}{limited}"


def environment(setting, avx2=False):
    """Returns the environment of a measured process.

    Args:
        setting: string, a key of `SETTINGS`.
        avx2: bool, whether to limit the process to AVX2.
    """
    inherited = {key: value for key, value in os.environ.items() if key != VARIABLE}
    return {**inherited, **SETTINGS[setting], **(AVX2 if avx2 else {})}
