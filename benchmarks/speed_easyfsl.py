"""What speed.py runs of easyfsl 1.5.0, the same work as speed_ours.py."""

import json
import sys
import time

import numpy as np
import torch
from easyfsl.methods import PrototypicalNetworks
from easyfsl.samplers import TaskSampler
from torch import nn
from torch.utils import data

STEPS = {
    "60-way 1-shot 5-query 28x28": (60, 1, 5, 28, 1, 10),
    "20-way 5-shot 15-query 28x28": (20, 5, 15, 28, 1, 8),
    "5-way 5-shot 15-query 84x84": (5, 5, 15, 84, 3, 6),
}
EPISODES = {
    "episodes 5-way 1-shot 15-query": (5, 1, 15),
    "episodes 60-way 1-shot 5-query": (60, 1, 5),
    "episodes 20-way 5-shot 15-query": (20, 5, 15),
}


def conv4(channels):
    layers = []
    for inputs in (channels, 64, 64, 64):
        layers += [nn.Conv2d(inputs, 64, 3, padding=1), nn.BatchNorm2d(64)]
        layers += [nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten())


def best_of(step, steps):
    step()
    step()
    means = []
    for _ in range(2):
        start = time.perf_counter()
        for _ in range(steps):
            step()
        means.append((time.perf_counter() - start) / steps)
    return 1e3 * min(means)


def time_steps(ways, shots, queries, pixels, channels, steps):
    model = PrototypicalNetworks(conv4(channels))
    optimizer = torch.optim.Adam(model.parameters())
    support = torch.rand(ways * shots, channels, pixels, pixels)
    query = torch.rand(ways * queries, channels, pixels, pixels)
    support_labels = torch.arange(ways).repeat_interleave(shots)
    query_labels = torch.arange(ways).repeat_interleave(queries)

    def train():
        optimizer.zero_grad()
        model.process_support_set(support, support_labels)
        loss = nn.functional.cross_entropy(model(query), query_labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    def evaluate():
        with torch.no_grad():
            model.process_support_set(support, support_labels)
            return (model(query).argmax(-1) == query_labels).float().mean().item()

    model.train()
    trained = best_of(train, steps)
    model.eval()
    return trained, best_of(evaluate, 2 * steps)


class Memory(data.Dataset):
    """964 classes of 20 pictures in memory, with the method that easyfsl asks for."""

    def __init__(self):
        self.pictures = torch.rand(964 * 20, 1, 28, 28)
        self.labels = np.repeat(np.arange(964), 20).tolist()

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.pictures[index], self.labels[index]

    def get_labels(self):
        return self.labels


def time_episodes(dataset, ways, shots, queries):
    """The better of no worker and two workers."""
    speeds = []
    for workers in (0, 2):
        sampler = TaskSampler(dataset, ways, shots, queries, n_tasks=300)
        loader = data.DataLoader(
            dataset,
            batch_sampler=sampler,
            num_workers=workers,
            collate_fn=sampler.episodic_collate_fn,
        )
        start = time.perf_counter()
        count = sum(1 for _ in loader)
        speeds.append(count / (time.perf_counter() - start))
    return max(speeds)


def main(only=""):
    torch.set_num_threads(2)
    # easyfsl 1.5.0 hands its sampler an argument that torch no longer takes.
    data.Sampler.__init__ = lambda self, data_source=None: None
    for work, sizes in STEPS.items():
        if only not in work:
            continue
        train, evaluate = time_steps(*sizes)
        print(json.dumps({"work": f"train {work}", "value": train}), flush=True)
        print(json.dumps({"work": f"evaluate {work}", "value": evaluate}), flush=True)
    dataset = Memory()
    for work, sizes in EPISODES.items():
        if only not in work:
            continue
        value = time_episodes(dataset, *sizes)
        print(json.dumps({"work": work, "value": value}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
