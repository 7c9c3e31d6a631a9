#!/usr/bin/env bash
# Sees to the system libraries that Qt's wheel does not bring, and, for tests, to a virtual screen.
set -euo pipefail
for_tests=${1:-}
needed=()
has() { ldconfig -p 2>/dev/null | grep "$1" >/dev/null; }

if command -v ldconfig >/dev/null && command -v apt-get >/dev/null; then
  # library -> Debian package (read off `ldd` of Qt's xcb and Wayland plug-ins)
  while read -r library package; do
    has "$library" || needed+=("$package")
  done <<'LIST'
libEGL.so.1 libegl1
libGL.so.1 libgl1
libxkbcommon.so.0 libxkbcommon0
libxkbcommon-x11.so.0 libxkbcommon-x11-0
libdbus-1.so.3 libdbus-1-3
libfontconfig.so.1 libfontconfig1
libfreetype.so.6 libfreetype6
libglib-2.0.so.0 libglib2.0-0
libxcb-cursor.so.0 libxcb-cursor0
libxcb-icccm.so.4 libxcb-icccm4
libxcb-image.so.0 libxcb-image0
libxcb-keysyms.so.1 libxcb-keysyms1
libxcb-randr.so.0 libxcb-randr0
libxcb-render-util.so.0 libxcb-render-util0
libxcb-shape.so.0 libxcb-shape0
libxcb-sync.so.1 libxcb-sync1
libxcb-xfixes.so.0 libxcb-xfixes0
libxcb-xkb.so.1 libxcb-xkb1
LIST
  if [ "$for_tests" = --for-tests ]; then
    command -v Xvfb >/dev/null || needed+=(xvfb)
    command -v xdotool >/dev/null || needed+=(xdotool)
    command -v import >/dev/null || needed+=(imagemagick)
    command -v trayer >/dev/null || needed+=(trayer)
    compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || command -v postgres >/dev/null ||
      needed+=(postgresql)
    fc-list 2>/dev/null | grep -i inter >/dev/null || needed+=(fonts-inter)
    fc-list 2>/dev/null | grep -i dejavu >/dev/null || needed+=(fonts-dejavu-core)
  fi
fi

if [ ${#needed[@]} -gt 0 ]; then
  if [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; then
    run=(); [ "$(id -u)" = 0 ] || run=(sudo)
    printf 'Installing %s …\n' "${needed[*]}" >&2
    "${run[@]}" apt-get update -qq
    DEBIAN_FRONTEND=noninteractive "${run[@]}" apt-get install -y -qq --no-install-recommends "${needed[@]}" >/dev/null
  else
    printf 'Qt needs system libraries that are missing. Install them with:\n  sudo apt-get install %s\n' "${needed[*]}" >&2
    exit 1
  fi
fi
