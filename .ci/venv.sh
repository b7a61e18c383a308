#!/usr/bin/env bash
# venv.sh PYTHON DIR: make a virtual environment in DIR, or say in one line what is missing for it.
set -eu
python=$1
dir=$2
[ -x "$dir/bin/python" ] && exit 0
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  echo "emotion-edge needs Python 3.11 or newer; '$python' is $("$python" --version 2>&1 || true). Try: make PYTHON=python3.11 …" >&2
  exit 2
fi
if ! "$python" -c 'import sys; sys.exit(sys.maxsize < 2**32)'; then
  echo "emotion-edge needs a 64-bit system: LiteRT and OpenCV have no 32-bit wheels." >&2
  exit 2
fi
if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing Debian's python3-venv …"
    apt-get update -q >/dev/null && apt-get install -y -q python3-venv >/dev/null
  else
    echo "Python's venv module is missing. To fix: sudo apt install python3-venv" >&2
    exit 2
  fi
fi
"$python" -m venv "$dir"
