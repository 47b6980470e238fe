"""What speed_maml.py runs of PyTorch: functional MAML, a JSON line a workload."""

import json
import time

import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional

from speed_maml import QUERIES, RATE, SHOTS, STEPS, TASKS, WAYS


def block(channels, filters):
    return nn.Sequential(
        nn.Conv2d(channels, filters, 3, padding=1),
        nn.BatchNorm2d(filters, track_running_stats=False),
        nn.ReLU(),
        nn.MaxPool2d(2),
    )


def adapted(network, items, labels, second_order):
    """Returns the parameters after the inner steps."""
    parameters = dict(network.named_parameters())
    for _ in range(STEPS):
        logits = functional_call(network, parameters, (items,))
        loss = functional.cross_entropy(logits, labels)
        gradients = torch.autograd.grad(
            loss, list(parameters.values()), create_graph=second_order
        )
        parameters = {
            name: value - RATE * gradient
            for (name, value), gradient in zip(
                parameters.items(), gradients, strict=True
            )
        }
    return parameters


def main():
    torch.set_num_threads(2)
    torch.manual_seed(0)
    blocks = [block(1, 64), block(64, 64), block(64, 64), block(64, 64)]
    network = nn.Sequential(*blocks, nn.Flatten(), nn.Linear(64, WAYS))
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    support = torch.randn(TASKS, WAYS * SHOTS, 1, 28, 28)
    query = torch.randn(TASKS, WAYS * QUERIES, 1, 28, 28)
    labels = [torch.arange(WAYS).repeat_interleave(n) for n in (SHOTS, QUERIES)]

    def step(second_order):
        optimizer.zero_grad()
        for task in range(TASKS):
            fast = adapted(network, support[task], labels[0], second_order)
            logits = functional_call(network, fast, (query[task],))
            (functional.cross_entropy(logits, labels[1]) / TASKS).backward()
        optimizer.step()

    for work in ("maml_second_order", "maml_first_order"):
        step(work == "maml_second_order")
        times = []
        for _ in range(2):
            start = time.perf_counter()
            for _ in range(8):
                step(work == "maml_second_order")
            times.append((time.perf_counter() - start) / 8)
        print(json.dumps({"work": work, "ms": 1e3 * min(times)}), flush=True)


if __name__ == "__main__":
    main()
