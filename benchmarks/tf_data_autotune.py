"""How long a call that reads a `tf.data.Dataset` lasts, with TensorFlow's tuner and
without it.

    python benchmarks/tf_data_autotune.py

The consumer sleeps after each element, so that the times depend little on the machine.
See docs/tf-data-autotune.md.
"""

import threading
import time

import keras
import tensorflow as tf

CALLS = 12


class Sleep(keras.callbacks.Callback):
    """Half a second of work for a Dataset of twenty elements."""

    def on_train_batch_end(self, batch, logs=None):
        time.sleep(0.025)

    on_test_batch_end = on_train_batch_end
    on_predict_batch_end = on_train_batch_end


def model():
    made = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    made.compile("sgd", "mse", jit_compile=False)
    return made


def dataset(tuned):
    """A Dataset of twenty batches; the tuner is on by default."""
    data = tf.data.Dataset.range(20)
    data = data.map(lambda i: (tf.zeros((1, 1)), tf.zeros((1, 1))))
    options = tf.data.Options()
    options.autotune.enabled = tuned
    return data.with_options(options)


def seconds(call, data, arguments):
    """How long each of some calls lasts."""
    times = []
    for _ in range(CALLS):
        begin = time.perf_counter()
        call(data, verbose=0, callbacks=[Sleep()], **arguments)
        times.append(time.perf_counter() - begin)
    return sorted(times)


def calls_at_a_time(tuned):
    """How many elements of a map with `AUTOTUNE` are made at a time, at most."""
    running, most, lock = 0, 0, threading.Lock()

    def slow(i):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with lock:
            running -= 1
        return i

    data = tf.data.Dataset.range(100).map(
        lambda i: tf.numpy_function(slow, [i], "int64", stateful=False),
        num_parallel_calls=tf.data.AUTOTUNE,
    )
    options = tf.data.Options()
    options.autotune.enabled = tuned
    for _ in data.prefetch(tf.data.AUTOTUNE).with_options(options):
        pass
    return most


if __name__ == "__main__":
    print("tuner wakes at", *(f"{(2**k - 1) / 100:.2f}" for k in range(4, 10)), "s")
    for name in ("fit", "evaluate", "predict"):
        call = getattr(model(), name)
        arguments = {"shuffle": False} if name == "fit" else {}
        call(dataset(True).take(1), verbose=0, **arguments)  # traced
        for tuned in (True, False):
            times = " ".join(
                f"{t:.2f}" for t in seconds(call, dataset(tuned), arguments)
            )
            print(f"{name:8} {'tuned    ' if tuned else 'not tuned'} {times}")
    at_a_time = [calls_at_a_time(tuned) for tuned in (True, False)]
    print("calls of a parallel map at a time, tuned and not:", *at_a_time)
