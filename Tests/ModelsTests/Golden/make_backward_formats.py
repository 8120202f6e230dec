"""What PyTorch's autograd gives for single ops in 16 bits, as the architectures' code in transformers writes them, for BackwardGoldenTests.swift.

    venv/bin/python Tests/ModelsTests/Golden/make_backward_formats.py        (the venv of make_golden.py)

Writes backward.formats.json: for each format and op the inputs, dL/dy, and the gradients, all numbers of the format; values by rows.
Leaves are in the format, so that every tensor between them and y is, unless the code casts. One thread, torch 2.15.
"""
import json
import pathlib

import torch

torch.manual_seed(7)
torch.set_num_threads(1)


def llama_norm(x, w):
    wide = x.float()
    return w * (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + 1e-5)).to(x.dtype)


def gemma_norm(x, w):
    wide = x.float()
    return (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + 1e-6) * (1.0 + w.float())).to(x.dtype)


def layer_norm(x, w, b):
    return torch.nn.functional.layer_norm(x, w.shape, w, b, 1e-5)


def rotated(x, cos, sin):
    half = x.shape[-1] // 2
    return x * torch.cat((cos, cos), -1) + torch.cat((-x[..., half:], x[..., :half]), -1) * torch.cat((sin, sin), -1)


def gelu_new(x):
    return 0.5 * x * (1.0 + torch.tanh((2.0 / torch.pi) ** 0.5 * (x + 0.044715 * torch.pow(x, 3.0))))


def quick_gelu(x):
    return x * torch.sigmoid(1.702 * x)


def soft_cap(x):
    return torch.tanh(x / 5.0) * 5.0


def wide_capped_scores(q, k):
    s = torch.matmul(q, repeated(k, q.shape[0]).transpose(1, 2)) * 0.3
    return masked(torch.tanh(s / 50.0) * 50.0)


def repeated(x, heads):
    """[kv head, S, D] -> [head, S, D], as repeat_kv."""
    return x[:, None].expand(x.shape[0], heads // x.shape[0], *x.shape[1:]).reshape(heads, *x.shape[1:])


def masked(s):
    hidden = torch.ones(s.shape[-2:], dtype=torch.bool).triu(1 + s.shape[-1] - s.shape[-2])
    return s + torch.zeros(s.shape[-2:], dtype=s.dtype).masked_fill(hidden, torch.finfo(s.dtype).min)


def scores(q, k):
    return masked(torch.matmul(q, repeated(k, q.shape[0]).transpose(1, 2)) * 0.3)


def capped_scores(q, k):
    s = torch.matmul(q, repeated(k, q.shape[0]).transpose(1, 2)) * 0.3
    return masked(torch.tanh(s / 2.0) * 2.0)


def softmax(s):
    """GPT-2's: computed in the format as torch does it."""
    return torch.softmax(s, -1)


def upcast_softmax(s):
    """Llama's and Gemma's: autograd keeps what has not been cast."""
    return torch.softmax(s, -1, dtype=torch.float32).to(s.dtype)


def context(p, v):
    return torch.matmul(p, repeated(v, p.shape[0])).transpose(0, 1).reshape(p.shape[1], -1)


def embedding(table):
    return torch.nn.functional.embedding(torch.tensor([2, 0, 2, 4, 2, 0]), table)


def scaled(x):
    return x * torch.tensor(192 ** 0.5, dtype=x.dtype)


def causal_probabilities(heads, n):
    return torch.softmax(torch.randn(heads, n, n).masked_fill(torch.ones(n, n, dtype=torch.bool).triu(1), -torch.inf), -1)


def spread_scores(heads, n):
    return (2 * torch.randn(heads, n, n)).masked_fill(torch.ones(n, n, dtype=torch.bool).triu(1), -torch.inf)


# name: (function, its inputs, which of them have a gradient)
OPS = {
    "llama norm": (llama_norm, [torch.randn(5, 37), 1 + 0.2 * torch.randn(37)], [0, 1]),
    "gemma norm": (gemma_norm, [torch.randn(5, 37), 0.2 * torch.randn(37)], [0, 1]),
    "rope": (rotated, [torch.randn(3, 5, 16), torch.rand(5, 8) * 2 - 1, torch.rand(5, 8) * 2 - 1], [0]),
    "gelu new": (gelu_new, [2 * torch.randn(4, 41)], [0]),
    "gelu quick": (quick_gelu, [2 * torch.randn(4, 41)], [0]),
    "soft cap": (soft_cap, [4 * torch.randn(4, 41)], [0]),
    "scores": (scores, [torch.randn(4, 6, 8), torch.randn(2, 6, 8)], [0, 1]),
    "capped scores": (capped_scores, [torch.randn(4, 6, 8), torch.randn(2, 6, 8)], [0, 1]),
    "context": (context, [causal_probabilities(4, 6), torch.randn(2, 6, 8)], [1]),
    "embedding": (embedding, [torch.randn(5, 23)], [0]),
    "scale": (scaled, [torch.randn(4, 23)], [0]),
    "layer norm": (layer_norm, [torch.randn(29, 37), 1 + 0.2 * torch.randn(37), 0.2 * torch.randn(37)], [0, 1, 2]),
    "softmax": (softmax, [spread_scores(4, 12)], [0]),
    "upcast softmax": (upcast_softmax, [spread_scores(4, 12)], [0]),
    "scores capped at 50": (wide_capped_scores, [6 * torch.randn(4, 6, 8), 6 * torch.randn(2, 6, 8)], [0, 1]),
}


def walked_back(function, inputs, wanted, dtype):
    leaves = [x.to(dtype).requires_grad_() for x in inputs]
    y = function(*leaves)
    slope = torch.randn(y.shape, generator=torch.Generator().manual_seed(11)).to(dtype)
    slope = slope.masked_fill(y < -1e4, 0)      # a hidden score gets nothing from its softmax
    y.backward(slope)
    # What is hidden is -inf on the other side, and null in the file.
    numbers = lambda x: [None if v < -1e4 else v for v in x.detach().float().reshape(-1).tolist()]
    return dict(inputs=[numbers(x) for x in leaves], output=numbers(y), slope=numbers(slope),
                gradients={str(i): numbers(leaves[i].grad) for i in wanted})


out = {label: {name: walked_back(*op, dtype) for name, op in OPS.items()} for label, dtype in dict(bf16=torch.bfloat16, fp16=torch.float16).items()}
path = pathlib.Path(__file__).parent / "backward.formats.json"
path.write_text(json.dumps(out).replace('}, "', '},\n"') + "\n")
