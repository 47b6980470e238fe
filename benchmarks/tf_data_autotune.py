"""How long reading a `tf.data.Dataset` lasts with TensorFlow's tuner and without it.

    python benchmarks/tf_data_autotune.py

The consumer sleeps a hundredth of a second for each element, so that the times do not
depend on the machine. See docs/tf-data-autotune.md.
"""

import threading
import time

import keras
import tensorflow as tf

WORK = (0.2, 0.4, 0.8, 1.6)  # seconds


def dataset(seconds, tuned):
    """A Dataset whose reading takes some seconds of work."""
    options = tf.data.Options()
    options.autotune.enabled = tuned
    data = tf.data.Dataset.range(round(100 * seconds)).map(tf.identity)
    return data.with_options(options)


def seconds_of(read, data):
    begin = time.perf_counter()
    read(data)
    return time.perf_counter() - begin


def iterate(data):
    for _ in data:
        time.sleep(0.01)


class Sleep(keras.callbacks.Callback):
    def on_test_batch_end(self, batch, logs=None):
        time.sleep(0.01)


def evaluate(data):
    data = data.map(lambda i: (tf.zeros((1, 1)), tf.zeros((1, 1))))
    MODEL.evaluate(data, verbose=0, callbacks=[Sleep()])


MODEL = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])


def parallelism(tuned):
    """How many elements of a `map` of parallel calls are made at a time, at most."""
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

    def make(i):
        return tf.numpy_function(slow, [i], tf.int64, stateful=False)

    options = tf.data.Options()
    options.autotune.enabled = tuned
    data = tf.data.Dataset.range(100).map(make, num_parallel_calls=tf.data.AUTOTUNE)
    for _ in data.prefetch(tf.data.AUTOTUNE).with_options(options):
        pass
    return most


if __name__ == "__main__":
    MODEL.compile(loss="mse", jit_compile=False)
    evaluate(dataset(0.1, False))  # traced
    print("The tuner wakes after", *(f"{(2**k - 1) / 100:.2f}" for k in range(1, 9)))
    print("seconds          work  tuned  not tuned")
    for read in (iterate, evaluate):
        for work in WORK:
            tuned, plain = (seconds_of(read, dataset(work, t)) for t in (True, False))
            print(f"{read.__name__:16} {work:.2f}   {tuned:.2f}   {plain:.2f}")
    print("calls at a time, tuned and not:", *map(parallelism, (True, False)))
