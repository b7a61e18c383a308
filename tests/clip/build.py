"""Build the bundled demo clip and its truth from openly licensed footage and portraits.

python tests/clip/build.py --data PATH [--out edge/assets]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import msgspec
import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parent))
from scene import Scene
from timeline import Script, load, truth
from video import write

HERE = Path(__file__).resolve().parent
DEFAULT_OUT = HERE.parent.parent / "edge" / "assets"
LIMIT_BYTES = 3_000_000
"""The clip travels in every install."""
SAY_EVERY_FRAMES = 60


def say(text: str) -> None:
    """Print one line of progress."""
    print(text, file=sys.stderr, flush=True)


def frames(scene: Scene, count: int) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield the clip's frames and tell how far it is."""
    for index in range(count):
        if index % SAY_EVERY_FRAMES == 0:
            say(f"frame {index} of {count}")
        yield scene.frame(index)


def write_truth(path: Path, script: Script) -> None:
    """Write the truth with one box or expression a line."""
    document = truth(script)
    people = document.pop("people")
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}," for key, value in document.items()]
    lines.append('  "people": [')
    for number, person in enumerate(people):
        lines.append("    {")
        lines += [
            f"      {json.dumps(key)}: {json.dumps(person[key])},"
            for key in ("person", "from_s", "to_s", "frontal")
        ]
        for key, comma in (("expressions", ","), ("boxes", "")):
            rows = person[key]
            if rows:
                inner = ",\n".join(f"        {json.dumps(row)}" for row in rows)
                lines.append(f'      "{key}": [\n{inner}\n      ]{comma}')
            else:
                lines.append(f'      "{key}": {json.dumps(rows)}{comma}')
        lines.append("    }" + ("," if number + 1 < len(people) else ""))
    text = "\n".join(["{", *lines, "  ]", "}"]) + "\n"
    json.loads(text)
    path.write_text(text, encoding="utf-8")


def main() -> int:
    """Parse the command line and build."""
    parser = argparse.ArgumentParser(description="Build the bundled demo clip and its truth.")
    parser.add_argument(
        "--data", type=Path, required=True, metavar="PATH", help="folder with open/ and fer2013.npz"
    )
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, metavar="DIR", help="default: edge/assets")
    parser.add_argument(
        "--script", type=Path, default=HERE / "script.toml", metavar="FILE", help="who is when where"
    )
    parser.add_argument("--stills", type=Path, metavar="DIR", help="also write two frames a second as PNG")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    try:
        script = load(arguments.script)
        for needed in ("open/clips", "open/london", "fer2013.npz"):
            if not (arguments.data / needed).exists():
                raise FileNotFoundError(f"{arguments.data / needed}: not found; --data takes its folder")
        arguments.out.mkdir(parents=True, exist_ok=True)
        scene = Scene(script, arguments.data, say)
        say(f"{scene.averaged_faces} FER2013 training faces in the average of surprise")
        clip = arguments.out / "demo.mp4"
        write(clip, frames(scene, script.clip.frames), script.clip)
        write_truth(arguments.out / "demo.truth.json", script)
        if arguments.stills:
            arguments.stills.mkdir(parents=True, exist_ok=True)
            for index in range(0, script.clip.frames, script.clip.fps // 2):
                cv2.imwrite(str(arguments.stills / f"{index:04d}.png"), scene.frame(index))
    except (OSError, ValueError, ImportError, msgspec.ValidationError) as error:
        say(f"error: {error}")
        return 2
    size = clip.stat().st_size
    say(f"{clip}: {size / 1e6:.2f} MB, {script.clip.frames} frames")
    if size > LIMIT_BYTES:
        say(f"error: larger than {LIMIT_BYTES / 1e6:.0f} MB; raise clip.crf in {arguments.script}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
