"""The published way to train the slide student: one slide at a time, its features read anew.

Every teacher's features are a float32 tuple of a file of their own, every level and teacher has
modules of its own. Written from the method's equations; weights are taken from the project's own
student, so that both start from the same point.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, huber_loss

from shazam.models.student import FusionStudent

Levels = Sequence[Tensor]


class _Pool(nn.Module):
    def __init__(self, dim: int, *, dropout: float) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.fc3 = nn.Linear(dim, 1, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tiles: Tensor) -> Tensor:
        hidden = self.dropout(torch.relu(self.fc1(tiles)))
        scores = self.fc3(self.dropout(torch.tanh(self.fc2(hidden))))
        pooled: Tensor = torch.softmax(scores, dim=0).T @ hidden
        return pooled


class _Block(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(dim, dim) for _ in range(4))
        self.norm = nn.LayerNorm(dim)

    def forward(self, tokens: Tensor) -> Tensor:
        scores = self.q(tokens) @ self.k(tokens).transpose(-2, -1) / math.sqrt(tokens.shape[-1])
        mixed: Tensor = self.norm(tokens + self.o(torch.softmax(scores, dim=-1) @ self.v(tokens)))
        return mixed


class _Level(nn.Module):
    def __init__(self, dims: Sequence[int], *, dim: int, n_blocks: int, dropout: float) -> None:
        super().__init__()
        self.project = nn.ModuleList(nn.Linear(dim_in, dim) for dim_in in dims)
        self.pool = nn.ModuleList(_Pool(dim, dropout=dropout) for _ in dims)
        self.gate = nn.Sequential(
            nn.Linear(len(dims) * dim, 128), nn.GELU(), nn.LayerNorm(128), nn.Linear(128, len(dims))
        )
        self.norm = nn.LayerNorm(dim)
        self.blocks = nn.Sequential(*(_Block(dim) for _ in range(n_blocks)))

    def forward(self, tiles: Levels) -> tuple[Tensor, Tensor]:
        stages = zip(self.project, self.pool, tiles, strict=True)
        pooled = torch.cat([pool(project(own)) for project, pool, own in stages])
        weights = torch.softmax(self.gate(pooled.flatten()), dim=-1)
        tokens = self.norm(weights[:, None] * pooled)
        return self.blocks(tokens[None]).mean(dim=1)[0], pooled


class PlainStudent(nn.Module):
    """The published slide student with the weights of one of ours."""

    def __init__(self, ours: FusionStudent) -> None:
        super().__init__()
        shape = ours.shape
        self.levels = nn.ModuleList(
            _Level(dims, dim=shape.dim, n_blocks=shape.n_blocks, dropout=shape.dropout)
            for dims in shape.dims
        )
        self.links = nn.ModuleList(nn.LayerNorm(shape.dim) for _ in shape.levels[1:])
        self.scales = nn.Parameter(torch.ones(len(shape.levels) - 1))
        self.head = nn.Sequential(
            *(
                nn.Linear(layer.in_features, layer.out_features)
                if isinstance(layer, nn.Linear)
                else layer
                for layer in ours.head
            )
        )
        self.load_state_dict(_weights(ours))

    def forward(self, teachers: Sequence[Levels]) -> tuple[Tensor, Tensor]:
        """Return (logits ``[1, n_outputs]``, distillation loss) of one slide's tiles."""
        found = [
            level([teacher[index] for teacher in teachers])
            for index, level in enumerate(self.levels)
        ]
        fused = [found[0][0]]
        for index, link in enumerate(self.links):
            fused.append(link(found[index + 1][0] + self.scales[index] * fused[-1]))
        terms = [
            1.0 - cosine_similarity(own, z, dim=-1) + huber_loss(own, z)
            for own, (_, pooled) in zip(fused, found, strict=True)
            for z in pooled
        ]
        return self.head(fused[-1][None]), torch.stack(terms).mean()


def train_as_published(
    student: PlainStudent,
    slides: Sequence[Sequence[Path]],
    *,
    loss_of: Callable[[Tensor, int], Tensor],
    step: Callable[[Tensor], None],
    distillation_weight: float,
    bfloat16: bool,
) -> list[float]:
    """Train one epoch and return the loss of each slide.

    Args:
        student: what is trained.
        slides: by slide the files of its teachers, in the order in which they are used.
        loss_of: the task's loss of a slide's logits, by its position.
        step: descends from a loss.
        distillation_weight: of the distillation loss.
        bfloat16: whether autocast is on.
    """
    losses = []
    for position, files in enumerate(slides):
        teachers = [torch.load(path, weights_only=True) for path in files]
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bfloat16):
            logits, distilled = student(teachers)
            loss = loss_of(logits, position) + distillation_weight * distilled
        step(loss)
        losses.append(loss.item())
    return losses


def _weights(ours: FusionStudent) -> dict[str, Tensor]:
    """Return our student's weights by the names of the plain one."""
    theirs: dict[str, Tensor] = {}
    state = ours.state_dict()
    shape = ours.shape
    n_teachers = len(shape.teachers)
    for kind in ("weight", "bias"):
        for row in range(len(shape.levels) * n_teachers):
            prefix = f"levels.{row // n_teachers}"
            index = row % n_teachers
            theirs[f"{prefix}.project.{index}.{kind}"] = state[f"project.{row}.linear.{kind}"]
            for plain, name in (("fc1", "embed"), ("fc2", "attend"), ("fc3", "score")):
                if f"pool.{name}.{kind}" in state:
                    own = state[f"pool.{name}.{kind}"][row]
                    theirs[f"{prefix}.pool.{index}.{plain}.{kind}"] = _flat(own, kind)
        for level in range(len(shape.levels)):
            prefix = f"levels.{level}"
            # dropout stands between the published layers' numbers and ours
            for number, layer in ((0, 0), (2, 3), (3, 4)):
                own = state[f"gate.mlp.{layer}.{kind}"][level]
                flat_kind = "bias" if number == 2 else kind
                theirs[f"{prefix}.gate.{number}.{kind}"] = _flat(own, flat_kind)
            theirs[f"{prefix}.norm.{kind}"] = _flat(state[f"gate.norm.{kind}"][level], "bias")
            for block in range(shape.n_blocks):
                name = f"blocks.{block}"
                joined = _flat(state[f"{name}.query_key_value.{kind}"][level], kind)
                for part, own in zip("qkv", joined.chunk(3), strict=True):
                    theirs[f"{prefix}.{name}.{part}.{kind}"] = own
                own = _flat(state[f"{name}.output.{kind}"][level], kind)
                theirs[f"{prefix}.{name}.o.{kind}"] = own
                theirs[f"{prefix}.{name}.norm.{kind}"] = _flat(
                    state[f"{name}.norm.{kind}"][level], "bias"
                )
        for index in range(len(shape.levels) - 1):
            theirs[f"links.{index}.{kind}"] = state[f"links.{index}.norm.{kind}"]
        theirs |= {name: value for name, value in state.items() if name.startswith("head.")}
    theirs["scales"] = torch.stack(
        [state[f"links.{index}.scale"] for index in range(len(shape.levels) - 1)]
    )
    return {name: value.clone() for name, value in theirs.items()}


def _flat(value: Tensor, kind: str) -> Tensor:
    return value.reshape(-1) if kind == "bias" else value
