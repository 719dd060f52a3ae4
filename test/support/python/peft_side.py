"""What real PEFT makes of adapters. The one argument is JSON:

    backbone    folder of the model
    texts, pairs   the texts, and second texts
    exported    adapters that Rapt wrote: {folder, blocks, pairs, states};
                blocks are lines of docs/files.md, run as they stand there
    found       as exported, whose models PEFT is to find by itself
    trained     adapters to be trained here: {folder, method}

Prints {exported: [logits], found: [logits], trained: [logits]}, [texts, classes] each.
The hidden states of an adapter go to the file `states`.
"""

import json
import sys

import torch
from peft import PrefixTuningConfig, PromptTuningConfig, TaskType, get_peft_model
from safetensors.torch import save_file
from transformers import AutoTokenizer, BertForSequenceClassification

torch.manual_seed(1)
torch.set_num_threads(2)
STEPS, ROWS = 8, 16


def exported(backbone: str, texts: list, pairs: list, case: dict) -> list:
    names = {
        "adapter": case["folder"],
        "backbone": backbone,
        "texts": list(zip(texts, pairs)) if case["pairs"] else texts,
    }
    with torch.no_grad():
        for block in case["blocks"]:
            exec(block, names)
    if case["states"]:
        states, mask = names["states"], names["batch"]["attention_mask"]
        width = mask.shape[1]
        real = [row[-width:][:length] for row, length in zip(states, mask.sum(1).tolist())]
        save_file({"states": torch.cat(real).contiguous()}, case["states"])
    return names["logits"].tolist()


def trained(backbone: str, texts: list, folder: str, method: str) -> list:
    """A few steps, so that no weight is as it was initialized."""
    model = BertForSequenceClassification.from_pretrained(backbone, num_labels=3)
    config = {"prompt": PromptTuningConfig, "prefix": PrefixTuningConfig}[method](
        task_type=TaskType.SEQ_CLS, num_virtual_tokens=6
    )
    tuned = get_peft_model(model, config)
    tokenizer = AutoTokenizer.from_pretrained(backbone)
    batch = tokenizer(texts, padding=True, truncation=True, max_length=66, return_tensors="pt")
    few = {name: value[:ROWS] for name, value in batch.items()}
    labels = torch.arange(ROWS) % 3
    optimizer = torch.optim.AdamW([weight for weight in tuned.parameters() if weight.requires_grad], lr=0.05)
    for _ in range(STEPS):
        tuned(**few, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    tuned.save_pretrained(folder)
    with torch.no_grad():
        return tuned.eval()(**batch).logits.tolist()


request = json.loads(sys.argv[1])
backbone, texts = request["backbone"], request["texts"]
answers = {
    "exported": [exported(backbone, texts, request.get("pairs", []), case) for case in request.get("exported", [])],
    "found": [exported(backbone, texts, [], case) for case in request.get("found", [])],
    "trained": [trained(backbone, texts, case["folder"], case["method"]) for case in request.get("trained", [])],
}
print(json.dumps(answers))
