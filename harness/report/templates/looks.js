// The numbers of the page, how they are written, and how every picture looks.
// Nothing is counted here: Python has done so.

const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const STATUSES = ["converged", "finished", "diverged", "stopped"];
const [CONVERGED, FINISHED, DIVERGED, STOPPED] = STATUSES;

// ------------------------------------------------------------------ numbers

/** An array of float32 or uint32, little-endian, from base64. */
function unpack(text, Kind) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  return new Kind(bytes.buffer);
}

function shown(value) {
  if (value === null || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return "∞";
  return String(Number(value.toPrecision(4)));
}

const percent = (share) => `${(100 * share).toFixed(1)} %`;

/** Ticks of an axis of logarithms: powers of ten, with numbers between if they are few. */
function logTicks(low, high) {
  if (high - low < 0.5) { // too narrow for round numbers of all sizes
    const tickvals = [0, 1, 2, 3, 4].map((k) => low + ((high - low) * k) / 4);
    return { tickvals, ticktext: tickvals.map((at) => shown(10 ** at)) };
  }
  const steps = high - low > 4 ? [1] : high - low > 1.5 ? [1, 3] : [1, 2, 3, 5, 7];
  const every = Math.max(1, Math.ceil((high - low) / 8));
  const tickvals = [];
  for (let power = Math.floor(low); power <= high + 1e-9; power += 1) {
    if (power % every !== 0) continue;
    for (const step of steps) {
      const at = power + Math.log10(step);
      if (at >= low - 1e-9 && at <= high + 1e-9) tickvals.push(at);
    }
  }
  return { tickvals, ticktext: tickvals.map((at) => shown(10 ** at)) };
}

// ------------------------------------------------------------------ looks

function look() {
  const style = getComputedStyle(document.documentElement);
  const probe = document.createElement("span");
  document.body.append(probe);
  const colour = (name) => {
    probe.style.color = `var(--plot-${name})`;
    return getComputedStyle(probe).color;
  };
  const found = {
    paper: colour("paper"), ink: colour("ink"), line: colour("line"), fallen: colour("fallen"),
    status: STATUSES.map(colour),
    series: [1, 2, 3, 4, 5, 6].map((number) => colour(`series-${number}`)),
    band: style.getPropertyValue("--plot-band").trim(),
  };
  probe.remove();
  return found;
}

function axis(title, more) {
  const { ink, line } = look();
  return {
    title: { text: title, standoff: 8 }, automargin: true, gridcolor: line, linecolor: ink,
    tickcolor: ink, zerolinecolor: line, ticks: "outside", ...more,
  };
}

// On a phone, Plotly would keep turning labels back and forth.
const narrow = () => document.body.clientWidth < 480;

/** An axis of bins, at equal distances whatever their values. */
const categories = (title, labels, tickangle = narrow() ? -60 : "auto") => axis(title, {
  type: "category", categoryorder: "array", categoryarray: labels, showgrid: false,
  nticks: 10, tickangle,
});

function draw(id, traces, layout) {
  const { paper, ink } = look();
  const div = byId(id);
  Plotly.react(div, traces, {
    paper_bgcolor: paper, plot_bgcolor: paper,
    font: { color: ink, family: "system-ui, 'Liberation Sans', sans-serif", size: 13 },
    margin: { l: 60, r: 12, t: 30, b: 50 }, hovermode: "closest",
    width: div.clientWidth, height: div.clientHeight, autosize: false,
    legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: ink }, uirevision: id, ...layout,
  }, {
    displaylogo: false, scrollZoom: false,
    modeBarButtons: [["zoom2d", "pan2d", "resetScale2d", "toImage"]],
  });
  return div;
}

// Every picture is drawn again when the colours or the width of the page change, on the screen or
// on paper; browsers announce printing in two ways.
const pictures = [];
const redraw = () => pictures.forEach((picture) => picture());
for (const query of ["(prefers-color-scheme: dark)", "print"]) {
  matchMedia(query).addEventListener("change", redraw);
}
for (const [name, printing] of [["beforeprint", true], ["afterprint", false]]) {
  addEventListener(name, () => {
    document.documentElement.classList.toggle("printing", printing);
    redraw();
  });
}
let drawnWidth = document.body.clientWidth;
addEventListener("resize", () => requestAnimationFrame(() => {
  if (document.body.clientWidth === drawnWidth) return; // a phone hides its address bar
  drawnWidth = document.body.clientWidth;
  redraw();
}));

function picture(id, make) {
  byId(id).hidden = false;
  pictures.push(make);
}

function options(select, texts, chosen = 0) {
  select.replaceChildren(...texts.map((text, at) => new Option(text, at)));
  select.selectedIndex = chosen;
}

function element(name, text, more = {}) {
  return Object.assign(document.createElement(name), { textContent: text }, more);
}
