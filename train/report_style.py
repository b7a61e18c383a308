"""The look of the report page: one column on a phone, light and dark by the reader's setting."""

from __future__ import annotations

from typing import Final

STYLE: Final = """
:root{--ink:#1c2430;--soft:#5b6675;--paper:#fff;--card:#f5f7fa;--edge:#d8dee7;--c0:#1f6feb;--c1:#d9730d;
--c2:#1a8a5a;--c3:#a33ea1;--warn:#fff4d6;--warn-ink:#6b4a00}
@media (prefers-color-scheme:dark){:root{--ink:#e4e9f0;--soft:#9aa7b8;--paper:#12161c;--card:#1b212a;--edge:#323c4a;
--c0:#6aa7ff;--c1:#f5a25d;--c2:#5fd0a0;--c3:#d890e0;--warn:#3a2f12;--warn-ink:#f4dca0}}
*{box-sizing:border-box}
body{margin:0;font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;
color:var(--ink);background:var(--paper)}
header,main{max-width:1100px;margin:0 auto;padding:0 16px}
h1{font-size:1.6rem;margin:24px 0 8px}
h2{font-size:1.25rem;margin:0 0 12px;padding-top:24px;border-top:2px solid var(--edge)}
p{margin:0 0 10px;max-width:75ch}
section{margin-top:28px}
nav{display:flex;flex-wrap:wrap;gap:8px;margin:14px 0}
nav a{color:var(--c0);text-decoration:none;border:1px solid var(--edge);
border-radius:16px;padding:3px 12px;font-size:.9rem}
.note{color:var(--soft);font-size:.87rem;margin:6px 0 0}
.warning{background:var(--warn);color:var(--warn-ink);padding:8px 12px;border-radius:8px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(45%,200px),1fr));gap:10px;margin-top:14px}
.tiles div{background:var(--card);border:1px solid var(--edge);border-radius:10px;padding:10px 14px}
.tiles b{display:block;font-size:1.5rem;font-variant-numeric:tabular-nums}
.tiles span{color:var(--soft);font-size:.87rem}
.grid2{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:16px}
figure{margin:0 0 18px;min-width:0}
figure.plot{background:var(--card);border:1px solid var(--edge);border-radius:10px;padding:12px;margin:0}
.plot+.table,.grid2+.table{margin-top:18px}
figcaption{font-weight:600;margin-bottom:6px}
.scroll{overflow-x:auto;border:1px solid var(--edge);border-radius:8px}
table{border-collapse:collapse;width:100%;font-size:.87rem;font-variant-numeric:tabular-nums}
th,td{padding:5px 10px;text-align:right;white-space:nowrap;border-bottom:1px solid var(--edge)}
tr:last-child>*{border-bottom:0}
thead th{background:var(--card);font-weight:600;white-space:normal;vertical-align:bottom;min-width:5.2em}
th:first-child{text-align:left;position:sticky;left:0;background:var(--card)}
tbody th{font-weight:500}
.words{text-align:left}
.matrix table{font-size:.75rem}.matrix th,.matrix td{padding:5px;min-width:0}
td.shade{background:color-mix(in srgb,var(--c0) calc(var(--s)*75%),transparent)}
details{margin:0 0 14px}
summary{cursor:pointer;font-weight:600;margin-bottom:10px}
svg{width:100%;height:auto;display:block;font-size:12px}
svg text{fill:var(--ink)}
.grid{stroke:var(--edge)}
.guide{stroke:var(--soft);stroke-dasharray:5 4;fill:none}
.bar{fill:var(--c0)}
.line{fill:none;stroke-width:2.2}
.dot{stroke:var(--card);stroke-width:1.5}
.line.c0{stroke:var(--c0)}.line.c1{stroke:var(--c1)}.line.c2{stroke:var(--c2)}.line.c3{stroke:var(--c3)}
.dot.c0{fill:var(--c0)}.dot.c1{fill:var(--c1)}.dot.c2{fill:var(--c2)}.dot.c3{fill:var(--c3)}
.keys{display:flex;flex-wrap:wrap;gap:4px 14px;font-size:.87rem;color:var(--soft);margin-bottom:4px}
.key{display:inline-block;width:11px;height:11px;border-radius:50%;margin-right:5px}
.key.c0{background:var(--c0)}.key.c1{background:var(--c1)}.key.c2{background:var(--c2)}.key.c3{background:var(--c3)}
@media print{details>*{display:block}}
"""
"""Sticky row names keep wide tables readable on a phone; colours are variables, so that plots follow the theme."""
