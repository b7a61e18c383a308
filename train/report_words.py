"""The report's words: label noise, provenance, licences, limits and lawful use."""

from __future__ import annotations

from typing import Final

from train.evaluate import TITLES
from train.report import Figures

DATA: Final = [
    (
        "FER2013: about 36,000 faces found by web image search, prepared by Pierre-Luc Carrier and Aaron "
        "Courville for a challenge at ICML 2013 (Goodfellow et al. 2013, arXiv 1307.0414), for research; no "
        "licence of the pictures is known."
    ),
    "FER+: ten annotators' votes a face (Barsoum et al. 2016, arXiv 1608.01041), Microsoft, MIT licence.",
    "FairFace: Kärkkäinen & Joo 2021, CC BY 4.0, photographs from Flickr; its faces have no expression labels.",
    "Patches without a face: their source states no licence; they are not redistributed.",
    "fer, the peer: Justin Shenk, MIT licence; its network is measured, not redistributed.",
    "No picture of any of these is on this page.",
]
LIMITS: Final = [
    (
        "The test faces are web pictures of 2013, mostly near frontal; other cameras and detectors give other"
        " crops, and fewer right answers. Covers, light and blur of the robustness table are drawn, not "
        "photographed."
    ),
]
LAWFUL: Final = [
    (
        "Lawful use: in the EU, inferring emotions of people at work and in education is prohibited, except "
        "for medical or safety reasons (AI Act, Regulation (EU) 2024/1689, Art. 5(1)(f)); elsewhere it is "
        "high-risk (Annex III), and those exposed to it must be told (Art. 50(3)). Faces are personal data "
        "(GDPR): you need a legal ground and a notice."
    ),
    (
        "Do not decide about people by it: not on hiring, marks, credit, insurance, policing, truthfulness or"
        " health."
    ),
]


def noise(figures: Figures) -> list[str]:
    """Return what is known of the labels' own errors."""
    lines = [
        (
            "Label noise: people annotating FER2013 agree with its labels on 65 ± 5 % of the faces "
            "(Goodfellow et al. 2013). A good part of what is missing to 100 % is that."
        )
    ]
    if figures.label_agreement:
        shares = ", ".join(f"{TITLES[test]} {share:.1%}" for test, share in figures.label_agreement.items())
        lines.append(
            "Share of the faces with both labels on which FER+'s is FER2013's own, measured on all splits: "
            f"{shares}. The two tests ask different questions."
        )
    return lines


def provenance(figures: Figures) -> list[str]:
    """Return how the network was made, from its manifest."""
    made = figures.provenance
    lines = [f"{figures.name} {figures.version}, sha256 of its network {figures.sha256}."]
    commands = made.get("commands", [])
    if commands:
        lines.append("Made by: " + "; ".join(str(command) for command in commands))
    run, recipe = made.get("run", {}), made.get("recipe", {})
    training = recipe.get("training", {}) if isinstance(recipe, dict) else {}
    if isinstance(run, dict) and run.get("epochs_done"):
        machine = made.get("machine", "an unnamed machine")
        lines.append(
            f"Trained for {run['epochs_done']} epochs, seed {training.get('seed', 'unknown')}, "
            f"{float(run.get('wall_s', 0)) / 60:.0f} minutes of wall time on {machine}; "
            f"epoch {run.get('best_epoch')} was the best on PublicTest."
        )
    if made.get("data"):
        lines.append("Trained on: " + ", ".join(str(name) for name in made["data"]) + ".")
    lines.append("PublicTest chose the epoch, the temperatures and the thresholds. PrivateTest only reports.")
    return lines
