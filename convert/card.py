"""The card of an emotion bundle, CARD.md: every figure in it comes from the manifest that the run wrote."""

from __future__ import annotations

from typing import Any, Final

from edge.bundle import Manifest
from train.evaluate import TITLES

DATA_AND_LICENCES: Final = """\
## Data and licences

- **FER2013**: about 36,000 faces found by web image search, 48x48 gray, prepared by Pierre-Luc Carrier and Aaron
  Courville for a challenge at ICML 2013 (Goodfellow et al. 2013, arXiv 1307.0414), for research. The pictures are
  not part of this repository, and no licence for them is known: check whether your use of a network trained on
  them is permitted.
- **FER+**: ten annotators' votes a face (Barsoum et al. 2016, arXiv 1608.01041), Microsoft, MIT licence.
- **Patches without a face** (3,000; scenes, text, drawings, animals): trained on as `not_a_face` only. Their source
  states no licence; they are not redistributed.

PublicTest chose the epoch, the temperatures and the thresholds. PrivateTest was only reported.
"""
LIMITS: Final = """\
## Limits

- It reads a facial *expression* in one picture, not what a person feels. People annotating FER2013 agree with its
  labels on 65 ± 5 % of the faces (Goodfellow et al. 2013): a good part of what is missing to 100 % is that.
- Rare classes are weak: disgust and contempt have a few hundred training faces at most, and their figures
  rest on few test faces; fear is confused with surprise and sad. `python -m train evaluate` prints each class.
- The training faces are mostly posed or strong, near frontal, and come from web search as it was in 2013. It works
  less well for small faces (under about 40 pixels), profiles, strong side light, masks and hands before the face,
  and probably for babies, old people and groups that such a search shows rarely: FER2013 records no age, gender or
  ethnicity, so this was not measured here.
- Other cameras and detectors give other crops than FER2013's: expect fewer right answers than in the table.
- Below a view's threshold the answer is `uncertain`. Use it.

## Lawful use

- In the EU, inferring emotions of people **at work and in education is prohibited**, except for medical or safety
  reasons: AI Act (Regulation (EU) 2024/1689) Art. 5(1)(f). Elsewhere emotion recognition is high-risk (Annex III)
  and those exposed to it must be told (Art. 50(3)).
- Faces are personal data (GDPR). This package processes them on the device and stores or sends no picture; whoever
  runs it still needs a legal ground and a notice where people are.
- Do not decide about people by it: not on hiring, marks, credit, insurance, policing, truthfulness or health.
"""


def card(manifest: Manifest) -> str:
    """Return the card's Markdown."""
    provenance, scores = manifest.provenance, manifest.scores
    network, training = provenance["recipe"]["network"], provenance["recipe"]["training"]
    parts = [
        f"# {manifest.name} {manifest.version}\n",
        (
            f"A residual network of {provenance['parameters']:,} parameters and "
            f"{provenance['multiply_adds'] / 1e6:.0f} million multiply-adds that reads the expression of one face, "
            f"{manifest.input.size_px}x{manifest.input.size_px} gray; int8, {manifest.model.bytes / 1e6:.2f} MB, two "
            f"heads on one trunk (FER+ votes and FER2013 labels), five label views.\n"
        ),
        f"sha256 of {manifest.model.file}: `{manifest.model.sha256}`\n",
        "## Figures\n",
        "Int8, one crop, as the device runs it; float is the same network before quantisation.\n",
        _table(scores),
        (
            "*FER+ majority* is its paper's test (the winner has more than half of the votes once single ones are "
            "removed), *arg-max* the stricter one (top vote). *ECE*: expected calibration error over 15 bins. "
            "*Answered*: accuracy and share of the faces whose confidence reaches the view's threshold; the rest "
            "reads `uncertain`. One standard deviation of the test's own noise is 0.7 points on FER2013 and 0.6 on "
            "FER+.\n"
        ),
        _recalls(scores),
        "## How it was made\n",
        _made(provenance, network, training),
        DATA_AND_LICENCES,
        LIMITS,
    ]
    return "\n".join(parts)


def _table(scores: dict[str, Any]) -> str:
    lines = [
        "| test | split | faces | int8 | float | drop, points | ECE | answered |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for split in ("private", "public"):
        for test, row in scores["int8"].get(split, {}).items():
            exact = scores["float"][split][test]
            answered = f"{row['answered_accuracy']:.1%} of {row['coverage']:.1%}"
            lines.append(
                f"| {TITLES[test]} | {'PrivateTest' if split == 'private' else 'PublicTest'} | {row['faces']:,} "
                f"| **{row['accuracy']:.2%}** | {exact:.2%} | {(exact - row['accuracy']) * 100:.2f} "
                f"| {row['ece']:.3f} | {answered} |"
            )
    return "\n".join(lines) + "\n"


def _recalls(scores: dict[str, Any]) -> str:
    lines = [
        "Faces of PrivateTest that get their own label, weakest first; the small ones rest on few faces:\n"
    ]
    for test in ("ferplus", "fer2013"):
        row = scores["int8"].get("private", {}).get(test)
        if row:
            recalls = sorted(row["recall"].items(), key=lambda item: item[1])
            lines.append(f"- {TITLES[test]}: " + ", ".join(f"{name} {share:.0%}" for name, share in recalls))
    return "\n".join(lines) + "\n"


def _made(provenance: dict[str, Any], network: dict[str, Any], training: dict[str, Any]) -> str:
    run = provenance.get("run", {})
    lines = ["```", *provenance["commands"], "```", ""]
    if run:
        lines.append(
            f"Trained for {run['epochs_done']} of {training['epochs']} epochs, seed {training['seed']}, in "
            f"{run['wall_s'] / 60:.0f} minutes of wall time on {provenance['machine']}; epoch {run['best_epoch']} "
            "was the best on PublicTest, by weights averaged over steps."
        )
    lines += [
        (
            f"Stem {network['stem_filters']}, stages {tuple(network['filters'])} with {tuple(network['depths'])} "
            f"basic residual blocks; SGD with Nesterov momentum {training['momentum']}, one cycle to "
            f"{training['learning_rate']}, batch {training['batch']}, weight decay {training['weight_decay']}, "
            f"weight average {training['ema']}; cross-entropy to FER+ votes and to the FER2013 label with smoothing "
            f"{training['label_smoothing']}; flip, rotation, zoom, shift, light, blur, low resolution, "
            "noise and erasing."
        ),
        (
            f"Quantised after training on {provenance['calibration']['faces']} training faces "
            f"({provenance['calibration']['indices']}), batch normalisation folded, one temperature a head fitted on "
            "int8 logits of PublicTest. The full recipe is in `manifest.json`."
        ),
        "",
    ]
    return "\n".join(lines)
