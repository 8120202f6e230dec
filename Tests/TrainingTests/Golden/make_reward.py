#!/usr/bin/env python3
"""Losses of six AdamW steps of a reward model on Samples/fables-llama in fp32, by PyTorch and PEFT; printed for RewardTests.swift.

    pip install torch transformers peft && python make_reward.py ../../../Samples/fables-llama
"""
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

torch.set_num_threads(1)
base = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32, attn_implementation="eager")
model = get_peft_model(base, LoraConfig(r=2, lora_alpha=4, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"))
score = torch.nn.Parameter(torch.zeros(1, base.config.hidden_size))


def wave(p, name):
    i = torch.arange(p.numel(), dtype=torch.float64) + 1
    p.data = (0.02 * torch.cos(i) if "lora_B" in name else 0.1 * torch.sin(i)).float().reshape(p.shape)


for name, p in list(model.named_parameters()) + [("score", score)]:
    if "lora_" in name or name == "score":
        wave(p, name)
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
texts = [("Tom met a fox.", " He gave it bread.", " He was rude to it and left."), ("Mia lost a ring.", " Ann found it and brought it back.", " No.")]


def ids(text):
    return [tokenizer.bos_token_id] + tokenizer(text, add_special_tokens=False).input_ids + [tokenizer.eos_token_id]


pairs = [(ids(prompt + chosen), ids(prompt + rejected)) for prompt, chosen, rejected in texts]


def reward(ids):
    return base.model(torch.tensor([ids])).last_hidden_state[0, -1] @ score[0]


trained = [p for p in model.parameters() if p.requires_grad] + [score]
opt = torch.optim.AdamW(trained, lr=0.01, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0)
losses, margins = [], []
for _ in range(6):
    difference = torch.stack([reward(chosen) - reward(rejected) for chosen, rejected in pairs])
    loss = -torch.nn.functional.logsigmoid(difference - 0.5).mean()
    losses.append(loss.item())
    margins.append(difference.mean().item())
    opt.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(trained, 1.0)
    opt.step()
print("losses", losses)
print("margins", margins)
