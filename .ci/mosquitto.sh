#!/usr/bin/env bash
# mosquitto.sh: the tests want the real broker; install it where that can be done, else say how.
set -eu
PATH=$PATH:/usr/sbin
command -v mosquitto >/dev/null && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing Debian's mosquitto for the tests …"
  apt-get update -q >/dev/null && apt-get install -y -q --no-install-recommends mosquitto >/dev/null
else
  echo "The tests of delivery need the mosquitto broker and will be skipped. To fix: sudo apt install mosquitto" >&2
fi
