"""Three steps of torch.optim.AdamW and SGD on eight weights, as the bits of each: python3 make_updates.py (torch 2.15, CPU).

PyTorch takes its square roots from the library that it was built with, which does not always round to nearest; the weights are
those of a thousand whose roots it did round so, that all the rest may be compared bit by bit. foreach is the same on a CPU.
"""
import torch


def run(beta1, beta2, decay, foreach, weights, gradients):
    w = torch.nn.Parameter(weights.clone())
    optimizer = torch.optim.AdamW([w], lr=0.01, betas=(beta1, beta2), eps=1e-8, weight_decay=decay, foreach=foreach)
    exact, rows = torch.ones_like(weights, dtype=torch.bool), []
    for gradient in gradients:
        w.grad = gradient.clone()
        optimizer.step()
        state = optimizer.state[w]
        root = state["exp_avg_sq"].sqrt()
        exact &= root == state["exp_avg_sq"].double().sqrt().float()
        rows.append([w.detach().clone(), state["exp_avg"].clone(), state["exp_avg_sq"].clone()])
    return rows, exact


def bits(values):
    return "[" + ", ".join(f"0x{x & 0xFFFFFFFF:08x}" for x in values.view(torch.int32).tolist()) + "]"


torch.manual_seed(0)
weights, gradients = torch.randn(1000), [torch.randn(1000) * 0.1 for _ in range(3)]
cases = [(0.9, 0.999, 0.0), (0.9, 0.95, 0.1), (0.3, 0.999, 0.1)]
runs = [run(*case, foreach, weights, gradients) for case in cases for foreach in (False, True)]
good = torch.stack([exact for _, exact in runs]).all(0).nonzero()[:8, 0]
print("start", bits(weights[good]))
for gradient in gradients:
    print("gradient", bits(gradient[good]))
for number, case in enumerate(cases):
    single, each = runs[2 * number][0], runs[2 * number + 1][0]
    assert all(torch.equal(a, b) for x, y in zip(single, each) for a, b in zip(x, y))
    print(case, *[bits(x[good]) for x in single[-1]], sep="\n  ")


def descend(momentum, decay, foreach):
    w = torch.nn.Parameter(weights[good].clone())
    optimizer = torch.optim.SGD([w], lr=0.01, momentum=momentum, weight_decay=decay, foreach=foreach)
    for gradient in gradients:
        w.grad = gradient[good].clone()
        optimizer.step()
    return [w.detach()] + ([optimizer.state[w]["momentum_buffer"]] if momentum else [])


for case in [(0.0, 0.0), (0.0, 0.1), (0.9, 0.0), (0.9, 0.1)]:
    single, each = descend(*case, False), descend(*case, True)
    assert all(torch.equal(a, b) for a, b in zip(single, each))
    print("sgd", case, *[bits(x) for x in single], sep="\n  ")
