#!/usr/bin/env python3
"""Trains the demo detector on pictures that dataset.js wrote, and writes it as ONNX.

    python3 models/train/train.py DIRECTORY/train DIRECTORY/valid models/faascam-demo.onnx

Needs Debian's python3-torch and python3-numpy; runs on the CPU. The same seed, pictures, number of threads and kind of
processor give the same weights.

A small detector without anchors in the manner of YOLOX (Ge et al., arXiv:2107.08430): each cell of the maps with strides
8, 16 and 32 says where a box lies (dx, dy, log w, log h), whether something is there, and what. Input `images`,
f32 [1, 3, 192, 320], blue, green, red in 0..255. Output [1, 1260, 7]: rows in the order of the strides, each map row by row;
columns dx, dy, log w, log h as they are, then objectness and the classes, which went through a sigmoid already.
"""
import argparse
import json
import math
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

WIDTH, HEIGHT = 320, 192
STRIDES = (8, 16, 32)
LABELS = ("person", "car")
GREY = 114
# An object counts if this part of it is visible; of one that is less visible nothing is asked.
LEAST_VISIBLE = 0.45
# Which map answers for which square root of a box's area, in pixels. They overlap: there both answer.
SIZES = ((0, 28), (24, 72), (60, 1e9))


def conv(inputs, outputs, size, stride=1):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False),
        nn.BatchNorm2d(outputs, momentum=0.03, eps=1e-3),
        nn.ReLU(inplace=True),
    )


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.narrow = conv(channels, channels // 2, 1)
        self.wide = conv(channels // 2, channels, 3)

    def forward(self, x):
        return x + self.wide(self.narrow(x))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        # At full size normalising costs more than all the rest, so the first layer goes without.
        first = nn.Sequential(nn.Conv2d(3, 12, 3, 2, 1), nn.ReLU(inplace=True))
        self.stem = nn.Sequential(first, conv(12, 24, 3, 2), Residual(24))
        self.at8 = nn.Sequential(conv(24, 48, 3, 2), Residual(48), Residual(48))
        self.at16 = nn.Sequential(conv(48, 72, 3, 2), Residual(72), Residual(72))
        self.at32 = nn.Sequential(conv(72, 72, 3, 2), Residual(72))
        self.lateral = nn.ModuleList(nn.Conv2d(channels, 40, 1) for channels in (48, 72, 72))
        # One head for all maps: an object looks the same at another scale.
        self.head = nn.Sequential(conv(40, 40, 3), conv(40, 40, 3))
        self.boxes = nn.Conv2d(40, 4, 1)
        self.scores = nn.Conv2d(40, 1 + len(LABELS), 1)
        nn.init.constant_(self.scores.bias, -math.log(99.0))

    def maps(self, images):
        at8 = self.at8(self.stem(images / 128 - 1))
        at16 = self.at16(at8)
        at32 = self.at32(at16)
        coarse = self.lateral[2](at32)
        middle = self.lateral[1](at16) + F.interpolate(coarse, scale_factor=2.0, mode="nearest")
        fine = self.lateral[0](at8) + F.interpolate(middle, scale_factor=2.0, mode="nearest")
        return [fine, middle, coarse]

    def forward(self, images):
        """[N, cells, 4] raw boxes and [N, cells, 3] logits of objectness and classes."""
        heads = [self.head(F.relu(level)) for level in self.maps(images)]
        boxes = torch.cat([self.boxes(x).flatten(2) for x in heads], 2).transpose(1, 2)
        scores = torch.cat([self.scores(x).flatten(2) for x in heads], 2).transpose(1, 2)
        return boxes, scores


class Exported(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, images):
        boxes, scores = self.net(images)
        return torch.cat([boxes, torch.sigmoid(scores)], 2)


def grid():
    """For each cell its column, row and stride: [cells, 3]."""
    rows = []
    for stride in STRIDES:
        columns, lines = WIDTH // stride, HEIGHT // stride
        y, x = np.mgrid[0:lines, 0:columns]
        rows.append(np.stack([x.ravel(), y.ravel(), np.full(columns * lines, stride)], 1))
    return np.concatenate(rows).astype(np.float32)


GRID = grid()
CENTRES = (GRID[:, :2] + 0.5) * GRID[:, 2:]


def assign(objects):
    """What each cell should say of a picture's objects (class, left, top, right, bottom, visible).

    Returns state [cells] (0 nothing, 1 an object, -1 not asked), class [cells] and box corners [cells, 4].
    An object is told by the cells next to its centre on the map for its size. The ring around these is not asked, so
    that scores need not fall off steeply between neighbours; all other cells must be silent, those of other maps too.
    """
    state = np.zeros(len(GRID), np.int64)
    kind = np.zeros(len(GRID), np.int64)
    corners = np.zeros((len(GRID), 4), np.float32)
    # Smaller objects come last and win where two want the same cell.
    order = sorted(objects, key=lambda o: -(o[3] - o[1]) * (o[4] - o[2]))
    for label, left, top, right, bottom, visible in order:
        inside = (
            (CENTRES[:, 0] > left) & (CENTRES[:, 0] < right) & (CENTRES[:, 1] > top) & (CENTRES[:, 1] < bottom)
        )
        width, height = right - left, bottom - top
        if visible < LEAST_VISIBLE or height < 12 or width < 4:
            state[inside & (state == 0)] = -1
            continue
        size = math.sqrt(width * height)
        away = np.abs(CENTRES - np.array([(left + right) / 2, (top + bottom) / 2], np.float32)) / GRID[:, 2:]
        away = away.max(1)
        asked = np.zeros(len(GRID), bool)
        around = np.zeros(len(GRID), bool)
        for stride, (low, high) in zip(STRIDES, SIZES):
            if not low <= size < high:
                continue
            level = GRID[:, 2] == stride
            near = level & inside & (away < 1.0)
            if not near.any():
                near = level & (away == away[level].min())
            asked |= near
            around |= level & inside & (away < 1.6)
        state[around & (state == 0)] = -1
        state[asked] = 1
        kind[asked] = int(label)
        corners[asked] = (left, top, right, bottom)
    return state, kind, corners


class Pictures:
    def __init__(self, directory):
        sizes = np.fromfile(f"{directory}/sizes.f32", np.float32).reshape(-1, 2)
        rows = np.fromfile(f"{directory}/objects.f32", np.float32).reshape(-1, 7)
        self.sizes = sizes.astype(int)
        self.pixels = np.memmap(f"{directory}/pictures.u8", np.uint8, "r", shape=(len(sizes), HEIGHT, WIDTH, 3))
        self.objects = [rows[rows[:, 0] == i, 1:] for i in range(len(sizes))]

    def __len__(self):
        return len(self.sizes)

    def batch(self, numbers, random=None):
        """Images as the net takes them, and what each cell should say. With `random`, each is varied."""
        images = np.empty((len(numbers), 3, HEIGHT, WIDTH), np.float32)
        wanted = []
        for at, number in enumerate(numbers):
            width, height = self.sizes[number]
            picture = self.pixels[number]
            objects = self.objects[number].copy()
            content = picture[:height, :width, ::-1].astype(np.float32)
            if random is not None:
                content, objects = vary(content, objects, random)
            images[at] = GREY
            images[at, :, :height, :width] = content.transpose(2, 0, 1)
            wanted.append(assign(objects))
        state, kind, corners = (torch.from_numpy(np.stack(parts)) for parts in zip(*wanted))
        return torch.from_numpy(images), state, kind, corners


def vary(content, objects, random):
    """Mirrors, and changes light, contrast, colour and noise."""
    if random.random() < 0.5:
        content = content[:, ::-1]
        objects[:, [1, 3]] = content.shape[1] - objects[:, [3, 1]]
    gains = random.uniform(0.75, 1.3) * random.uniform(0.9, 1.1, 3)
    content = content * gains.astype(np.float32) + np.float32(random.uniform(-12, 12))
    if random.random() < 0.12:
        content = np.repeat(content.mean(2, keepdims=True), 3, 2)
    if random.random() < 0.5:
        noise = random.standard_normal(content.shape, dtype=np.float32)
        content = content + noise * np.float32(random.uniform(0, 6))
    return np.clip(content, 0, 255), objects


def corners_of(boxes):
    cells = torch.from_numpy(GRID).to(boxes.device)
    centre = (boxes[..., :2] + cells[:, :2]) * cells[:, 2:]
    half = boxes[..., 2:].clamp(max=6).exp() * cells[:, 2:] / 2
    return torch.cat([centre - half, centre + half], -1)


def generalised_iou(a, b):
    """Rezatofighi et al., arXiv:1902.09630; in -1..1."""
    shared = (torch.min(a[:, 2:], b[:, 2:]) - torch.max(a[:, :2], b[:, :2])).clamp(min=0).prod(1)
    area = (a[:, 2:] - a[:, :2]).prod(1) + (b[:, 2:] - b[:, :2]).prod(1) - shared
    around = (torch.max(a[:, 2:], b[:, 2:]) - torch.min(a[:, :2], b[:, :2])).prod(1)
    return shared / area.clamp(min=1e-6) - (around - area) / around.clamp(min=1e-6)


def loss_of(net, images, state, kind, corners):
    boxes, scores = net(images.contiguous(memory_format=torch.channels_last))
    here = state == 1
    count = max(1, int(here.sum()))
    asked = state >= 0
    objectness = F.binary_cross_entropy_with_logits(scores[..., 0][asked], here[asked].float(), reduction="sum")
    classes = F.one_hot(kind[here], len(LABELS)).float()
    sort = F.binary_cross_entropy_with_logits(scores[here][:, 1:], classes, reduction="sum")
    overlap = (1 - generalised_iou(corners_of(boxes)[here], corners[here])).sum()
    return (objectness + sort + 2.5 * overlap) / count


def decode(boxes, scores, least=0.05, overlap=0.45):
    """Detections of one picture as rows of class, score, left, top, right, bottom, best first."""
    found = []
    corners = corners_of(boxes)
    scores = torch.sigmoid(scores)
    for label in range(len(LABELS)):
        score = scores[:, 0] * scores[:, 1 + label]
        some = score > least
        boxes_here, score = corners[some].numpy(), score[some].numpy()
        order = np.argsort(-score)
        while len(order):
            best, rest = order[0], order[1:]
            found.append((label, score[best], *boxes_here[best]))
            order = rest[[iou(boxes_here[best], boxes_here[other]) <= overlap for other in rest]] if len(rest) else rest
    return sorted(found, key=lambda row: -row[1])


def iou(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(0, width) * max(0, height)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared + 1e-9)


def measure(net, pictures, threshold=0.4):
    """Precision and recall at a score threshold and IoU .5; hardly visible objects count neither way."""
    net.eval()
    right = wrong = missed = 0
    with torch.no_grad():
        for start in range(0, len(pictures), 50):
            numbers = range(start, min(len(pictures), start + 50))
            images, *_ = pictures.batch(numbers)
            boxes, scores = net(images)
            for at, number in enumerate(numbers):
                objects = pictures.objects[number]
                free = list(range(len(objects)))
                for label, score, *corners in decode(boxes[at], scores[at], threshold):
                    overlaps = [(iou(corners, objects[i][1:5]), i) for i in free if objects[i][0] == label]
                    best, which = max(overlaps, default=(0, None))
                    if best >= 0.5:
                        free.remove(which)
                        right += objects[which][5] >= LEAST_VISIBLE
                    else:
                        wrong += 1
                missed += sum(objects[i][5] >= LEAST_VISIBLE and objects[i][4] - objects[i][2] >= 12 for i in free)
    net.train()
    return right / max(1, right + wrong), right / max(1, right + missed)


class Average:
    """A moving average of the weights, which is what is kept."""

    def __init__(self, net):
        self.state = {name: value.detach().clone() for name, value in net.state_dict().items()}
        self.steps = 0

    def update(self, net):
        self.steps += 1
        keep = min(0.998, (1 + self.steps) / (10 + self.steps))
        for name, value in net.state_dict().items():
            if value.dtype.is_floating_point:
                self.state[name].mul_(keep).add_(value.detach(), alpha=1 - keep)
            else:
                self.state[name].copy_(value)


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number, payload):
    """A length-delimited field of a protocol buffer."""
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def export(net, path, metadata):
    net.eval()
    torch.onnx.export(
        Exported(net),
        torch.zeros(1, 3, HEIGHT, WIDTH),
        path,
        input_names=["images"],
        output_names=["output"],
        opset_version=13,
    )
    # metadata_props of ModelProto is the repeated field 14, so more of it may simply follow the rest.
    with open(path, "ab") as file:
        for key, value in metadata.items():
            file.write(field(14, field(1, key.encode()) + field(2, value.encode())))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("train")
    parser.add_argument("valid")
    parser.add_argument("output")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--stop", type=int, default=9, help="end after so many epochs of the schedule")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=20)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    random = np.random.default_rng(options.seed)

    train, valid = Pictures(options.train), Pictures(options.valid)
    net = Net().to(memory_format=torch.channels_last)
    print(f"{sum(p.numel() for p in net.parameters())} parameters, {len(train)} pictures", flush=True)
    decayed = [p for p in net.parameters() if p.ndim > 1]
    others = [p for p in net.parameters() if p.ndim <= 1]
    optimiser = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 1e-3}, {"params": others, "weight_decay": 0}], lr=options.rate
    )
    average = Average(net)
    steps = options.epochs * (len(train) // options.batch)
    step = 0
    began = time.time()
    for epoch in range(min(options.stop, options.epochs)):
        order = random.permutation(len(train))
        total = 0.0
        for start in range(0, len(order) - options.batch + 1, options.batch):
            warm = min(1, (step + 1) / 200)
            rate = options.rate * warm * (0.02 + 0.98 * (1 + math.cos(math.pi * step / steps)) / 2)
            for group in optimiser.param_groups:
                group["lr"] = rate
            loss = loss_of(net, *train.batch(order[start : start + options.batch], random))
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 10)
            optimiser.step()
            average.update(net)
            total += float(loss.detach())
            step += 1
        done = f"epoch {epoch + 1}: loss {total / (len(order) // options.batch):.3f}, {time.time() - began:.0f} s"
        print(done, flush=True)
        if epoch % 3 != 2 and epoch + 1 < min(options.stop, options.epochs):
            continue
        kept = Net()
        kept.load_state_dict(average.state)
        precision, recall = measure(kept, valid)
        print(
            f"precision {precision:.3f}, recall {recall:.3f} at score .4 on {len(valid)} other pictures", flush=True
        )
        export(
            kept,
            options.output,
            {
                "title": "faascam demo model: knows only the demo's own scene",
                "demo": "true",
                "family": "yolox",
                "labels": json.dumps(LABELS),
                "licence": "Apache-2.0",
                "seed": str(options.seed),
            },
        )


main()
