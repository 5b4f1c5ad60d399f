// The heat map: its cells, its filters, and what a click on a cell shows.

const state = { view: 0, colour: "median", filters: [], cell: null };

const views = data.views.map((view) => ({
  ...view,
  median: Float64Array.from(unpack(view.median, Float32Array), (log) => 10 ** log),
  accuracy: view.accuracy && unpack(view.accuracy, Float32Array),
  ...Object.fromEntries(["runs", CONVERGED, DIVERGED, STOPPED].filter((name) => view[name])
    .map((name) => [name, unpack(view[name], Uint32Array)])),
}));

const now = () => views[state.view];
const columns = () => now().bins[0];
const rows = () => (now().y === null ? 1 : now().bins[1]);
const across = () => (now().y === null ? 1 : 2);

/** Index of a cell in the arrays of the view, with the present filters. */
function cellIndex(x, y) {
  let at = 0;
  now().filters.forEach((_, k) => { at = at * (now().bins[across() + k] + 1) + state.filters[k]; });
  return (at * rows() + y) * columns() + x;
}

const labelsOf = (number, bins) => data.axes[number].labels[bins];
const xLabels = () => labelsOf(now().x, now().bins[0]);
const yLabels = () => (now().y === null ? [""] : labelsOf(now().y, now().bins[1]));

/** The condition of a bin for `harness export --where`; labels have fewer digits. */
const conditionOf = (number, bins, bin) => data.axes[number].where[bins][bin];

function medianText(median) {
  if (Number.isNaN(median)) return "no runs in the sample";
  return median === Infinity ? "at least half diverged" : `median final ${data.loss} ${shown(median)}`;
}

function cellTexts(x, y) {
  const view = now(), at = cellIndex(x, y);
  const here = [conditionOf(view.x, view.bins[0], x)];
  if (view.y !== null) here.push(conditionOf(view.y, view.bins[1], y));
  const n = view.runs[at], median = view.median[at], accuracy = view.accuracy?.[at];
  if (!n) return [...here, "no runs"];
  if (n === 1) {
    if (view[DIVERGED][at]) return [...here, "1 run, diverged"];
    const ending = [CONVERGED, STOPPED].find((name) => view[name]?.[at]) ?? FINISHED;
    const values = [`final ${data.loss} ${shown(median)}`];
    if (Number.isFinite(accuracy)) values.push(`${data.accuracy} ${shown(accuracy)}`);
    return [...here, `1 run, ${ending}`, ...values];
  }
  return [
    ...here, `${n.toLocaleString("en")} runs`,
    medianText(median),
    ...(Number.isFinite(accuracy) ? [`median ${data.accuracy} ${shown(accuracy)}`] : []),
    [CONVERGED, DIVERGED, STOPPED].filter((name) => view[name])
      .map((name) => `${percent(view[name][at] / n)} ${name}`).join(", "),
  ];
}

function drawMap() {
  const view = now(), { fallen, ink, paper } = look();
  const z = [], text = [], grey = [], marks = { x: [], y: [] };
  const logMedians = [], accuracies = [];
  const each = (visit) => { for (let y = 0; y < rows(); y += 1) for (let x = 0; x < columns(); x += 1) visit(x, y, cellIndex(x, y)); };
  each((x, y, at) => {
    const value = view.median[at];
    if (value > 0 && Number.isFinite(value)) logMedians.push(Math.log10(value));
    if (Number.isFinite(view.accuracy?.[at])) accuracies.push(view.accuracy[at]);
  });
  logMedians.sort((one, other) => one - other);
  if (!logMedians.length) logMedians.push(-1, 1);
  // Otherwise a few cells that nearly diverged would make all others look the same.
  const logs = state.colour === "median", accurate = state.colour === "accuracy";
  const greatest = logMedians[logMedians.length - 1];
  const [low, high] = logs ? [logMedians[0], Math.min(greatest, logMedians[logMedians.length >> 1] + 4)]
    : accurate && accuracies.length ? [Math.min(...accuracies), Math.max(...accuracies)] : [0, 1];
  const valueAt = (at) => {
    if (logs) return Number.isFinite(view.median[at]) ? Math.max(Math.log10(Math.max(view.median[at], 1e-300)), low) : null;
    if (accurate) return Number.isFinite(view.accuracy[at]) ? view.accuracy[at] : null;
    return view[state.colour][at] / view.runs[at];
  };
  each((x, y, at) => {
    if (x === 0) { z.push([]); text.push([]); grey.push([]); }
    const n = view.runs[at], median = view.median[at];
    const fell = n > 0 && median === Infinity;
    z[y].push(n ? valueAt(at) : null);
    grey[y].push(fell && (logs || accurate) ? 1 : null);
    if (fell) { marks.x.push(xLabels()[x]); marks.y.push(yLabels()[y]); }
    text[y].push(cellTexts(x, y).join("<br>"));
  });
  const title = { text: narrow() ? "" : byId("colour").selectedOptions[0].text, side: "right" };
  const bar = { title, ...(logs ? logTicks(low, high) : { tickformat: accurate ? ".3~f" : ".0%" }) };
  const shared = { type: "heatmap", x: xLabels(), y: yLabels(), text, hovertemplate: "%{text}<extra></extra>" };
  const anywhere = marks.x.length > 0;
  const traces = [
    // Dark where loss or accuracy is low, or where few runs converge or diverge.
    { ...shared, z, colorscale: "Viridis", zmin: low, zmax: high,
      colorbar: { thickness: 12, outlinewidth: 0, tickcolor: ink, ...bar } },
    { ...shared, z: grey, colorscale: [[0, fallen], [1, fallen]], zmin: 0, zmax: 1, showscale: false },
    // Grey and a cross: neither depends on colour vision. Too many crosses would merge into a blot.
    { type: "scatter", mode: "markers", ...(marks.x.length <= 1500 ? marks : { x: [null], y: [null] }),
      marker: { symbol: "x-thin", size: Math.max(3, Math.min(8, 120 / Math.max(columns() / 2, rows() / 2))),
        line: { width: 1, color: logs || accurate ? ink : "#888888" } },
      opacity: 0.75, hoverinfo: "skip", name: "at least half diverged", showlegend: false },
  ];
  byId("map").classList.toggle("low", view.y === null);
  const [x, y] = state.cell ?? [-9, -9];
  draw("map", traces, {
    xaxis: categories(data.axes[view.x].name, xLabels()),
    yaxis: view.y === null ? { visible: false, fixedrange: true } : categories(data.axes[view.y].name, yLabels(), 0),
    uirevision: `map ${state.view}`,
    // Two outlines, so that one of them is visible on any colour.
    shapes: state.cell ? [[paper, 5], [ink, 2.5]].map(([color, width]) => ({
      type: "rect", x0: x - 0.5, x1: x + 0.5, y0: y - 0.5, y1: y + 0.5, line: { color, width } })) : [],
  });
  byId("map").setAttribute("aria-label", `Heat map: ${byId("colour").selectedOptions[0].text} over `
    + [view.x, view.y].filter((n) => n !== null).map((n) => data.axes[n].name).join(" and "));
  byId("map-note").textContent = [
    logs && high < greatest ? `The colour scale ends at ${shown(10 ** high)}; larger values have the same colour.` : "",
    anywhere ? `${logs || accurate ? "Grey" : "Cross"}: at least half of the runs diverged.` : "",
    ...[view.x, view.y].map((number, k) => (number !== null && view.bins[k] < data.axes[number].count
      ? `${data.axes[number].name}: ${data.axes[number].count.toLocaleString("en")} values in ${view.bins[k]} bins.` : "")),
  ].filter(Boolean).join(" ");
}

/** The sampled runs of a cell; bins are computed as in ordered_axes.py. */
function sampleOf(x, y) {
  if (!runs) return [];
  const view = now();
  const wanted = [[view.x, view.bins[0], x]];
  if (view.y !== null) wanted.push([view.y, view.bins[1], y]);
  view.filters.forEach((number, k) => {
    if (state.filters[k]) wanted.push([number, view.bins[across() + k], state.filters[k] - 1]);
  });
  const found = [];
  for (let at = 0; at < runs.run_id.length && found.length < 12; at += 1) {
    if (wanted.every(([number, bins, bin]) => Math.floor((runs.ranks[number][at] * bins) / data.axes[number].count) === bin)) found.push(at);
  }
  return found;
}

function exportCommand(x, y) {
  const view = now();
  const where = [conditionOf(view.x, view.bins[0], x)];
  if (view.y !== null) where.push(conditionOf(view.y, view.bins[1], y));
  view.filters.forEach((number, k) => {
    if (state.filters[k]) where.push(conditionOf(number, view.bins[across() + k], state.filters[k] - 1));
  });
  return `harness export ${data.folder} --table trajectories --where "${where.join(" and ")}"`;
}

function showCell() {
  const [x, y] = state.cell, view = now();
  const chosen = sampleOf(x, y), n = view.runs[cellIndex(x, y)];
  if (runs) drawFalls("falls", chosen);
  const parts = [element("p", `${cellTexts(x, y).join(", ")}.`)];
  if (chosen.length) {
    parts.push(runTable(chosen, chosen.length < n ? `${chosen.length} of the ${n.toLocaleString("en")} runs in this cell` : "The runs in this cell"));
  } else if (n) {
    parts.push(element("p", runs ? "This file holds no trajectories of this cell." : "No trajectories were recorded."));
  }
  if (n && runs) {
    parts.push(element("p", "To export all trajectories of this cell:"), element("pre", exportCommand(x, y), { tabIndex: 0 }));
  }
  byId("cell").replaceChildren(...parts);
  if (runs) byId("falls-note").textContent = `${sampleNote()}Lines: ${cellTexts(x, y).slice(0, across()).join(", ")}.`;
}

function choose(x, y) {
  state.cell = [x, y];
  drawMap();
  showCell();
}

function bestCell() {
  const view = now();
  const bin = (number, bins) => (number === null ? 0
    : Math.floor((data.best_ranks[number] * bins) / data.axes[number].count));
  return [bin(view.x, view.bins[0]), bin(view.y, view.bins[1])];
}

function makeFilters() {
  const view = now();
  state.filters = view.filters.map(() => 0);
  byId("filters").replaceChildren(...view.filters.map((number, k) => {
    const label = element("label", `${data.axes[number].name} `);
    const select = document.createElement("select");
    options(select, ["all", ...labelsOf(number, view.bins[across() + k])]);
    select.addEventListener("change", () => { state.filters[k] = select.selectedIndex; drawMap(); showCell(); });
    label.append(select);
    return label;
  }));
}

function walk(event) {
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  if (event.key === "Enter" || event.key === " ") showCell();
  else if (steps[event.key]) {
    const [x, y] = state.cell, [dx, dy] = steps[event.key];
    state.cell = [Math.min(Math.max(x + dx, 0), columns() - 1), Math.min(Math.max(y + dy, 0), rows() - 1)];
    drawMap();
    byId("cell").replaceChildren(element("p", `${cellTexts(...state.cell).join(", ")}. Press Enter to see its trajectories.`));
  } else return;
  event.preventDefault();
}

function startGrid() {
  if (data.accuracy) byId("colour").add(new Option(`median ${data.accuracy}`, "accuracy"), 1);
  if (views.some((view) => view[STOPPED])) byId("colour").append(new Option(`share ${STOPPED}`, STOPPED));
  options(byId("view"), views.map((view) => [view.x, view.y].filter((n) => n !== null).map((n) => data.axes[n].name).join(" × ")));
  byId("view-label").hidden = views.length < 2;
  makeFilters();
  state.cell = bestCell();
  picture("grid", () => { drawMap(); showCell(); });
  if (!runs) byId("falls").closest("figure").remove();
}

/** Handle clicks, keys and choices; Plotly must have drawn the picture before. */
function listen() {
  byId("map").on("plotly_click", ({ points }) => {
    const hit = points.find((point) => Array.isArray(point.pointIndex ?? point.pointNumber));
    if (hit) { const [y, x] = hit.pointIndex ?? hit.pointNumber; choose(x, y); }
  });
  byId("map").addEventListener("keydown", walk);
  byId("colour").addEventListener("change", (event) => { state.colour = event.target.value; drawMap(); });
  byId("view").addEventListener("change", (event) => {
    state.view = event.target.selectedIndex;
    makeFilters();
    choose(...bestCell());
  });
}
