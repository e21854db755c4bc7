"""How the pages become a site: `make site`."""

from __future__ import annotations

project = "Demijohn"
author = "The Demijohn developers"
html_title = "Demijohn"
extensions = ["myst_parser"]
root_doc = "index"
exclude_patterns = ["conf.py"]
myst_heading_anchors = 4
html_theme = "furo"
html_show_copyright = html_show_sphinx = False
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}
