import { render } from "preact";
import "uplot/dist/uPlot.min.css";
import { App } from "./app";
import "./styles/tokens.css";
import "./styles/shell.css";
import "./styles/controls.css";
import "./styles/figures.css";
import "./styles/tables.css";
import "./styles/pages.css";
import "./styles/drawings.css";

const root = document.getElementById("app");
if (root) render(<App />, root);
