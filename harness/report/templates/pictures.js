// The smaller pictures, and the start of the page.

function drawEpochs() {
  const found = data.epochs, { status, ink } = look();
  const y = found.median, top = Math.max(...y.filter((value) => value !== null), 1);
  // An interval that is open above leaves the picture.
  const error = (ends, sign) => ends.map((end, k) => (y[k] === null ? 0 : sign * ((end ?? 100 * top) - y[k])));
  const never = found.label.filter((_, k) => y[k] === null);
  draw("epochs-plot", [
    { x: found.label, y, type: "scatter", mode: "lines+markers", name: "median, 95 % interval", connectgaps: false,
      line: { color: status[1] }, marker: { size: 7 },
      customdata: found.runs.map((n, k) => [found.reached[k].toLocaleString("en"), n.toLocaleString("en")]),
      hovertemplate: "%{x}<br>%{y} epochs<br>%{customdata[0]} of %{customdata[1]} runs<extra></extra>",
      error_y: { type: "data", symmetric: false, array: error(found.high, 1), arrayminus: error(found.low, -1), color: status[1], thickness: 1.2 } },
    { x: never, y: never.map(() => top * 2), type: "scatter", mode: "markers", name: "fewer than half",
      marker: { symbol: "triangle-up-open", size: 9, color: ink }, showlegend: never.length > 0,
      hovertemplate: "%{x}<br>fewer than half of the runs<extra></extra>" },
  ], {
    xaxis: categories(found.axis, found.label),
    yaxis: logAxis("epochs", [...y, ...found.low, ...found.high, ...(never.length ? [2 * top] : [])]),
    showlegend: true,
  });
  const limit = found.threshold === null ? "" : ` of at most ${shown(found.threshold)}`;
  const goal = found.by_tolerance ? `converged${limit && `, to a loss${limit}`}` : `reached ${data.loss === "SSR" ? "an SSR" : "a loss"}${limit}`;
  byId("epochs-note").textContent = `Epochs until half of the runs ${goal}: Kaplan-Meier medians, which include the runs that never do.`;
}

function drawEnds() {
  const found = data.ends, { status } = look();
  draw("ends-plot", [CONVERGED, DIVERGED, STOPPED].filter((name) => found[name]).map((name) => {
    const y = found[name], color = status[data.statuses.indexOf(name)];
    return {
      x: found.label, y, name, type: "scatter", mode: "lines+markers",
      line: { color, dash: name === DIVERGED ? "dash" : "solid" }, marker: { size: 6, symbol: name === DIVERGED ? "x" : "circle" },
      error_y: { type: "data", symmetric: false, color, thickness: 1.2, width: 3,
        array: found[`${name}_high`].map((high, k) => high - y[k]), arrayminus: found[`${name}_low`].map((low, k) => y[k] - low) },
      customdata: found.runs, hovertemplate: `%{x}<br>%{y:.1%} of %{customdata} runs ${name}<extra></extra>`,
    };
  }), {
    xaxis: categories(found.axis, found.label), yaxis: axis("share of runs", { tickformat: ".0%", range: [-0.03, 1.03] }), showlegend: true,
  });
  const pooled = data.axes.filter(({ name }) => name !== "init_id").length > 1;
  byId("ends-note").textContent = `With 95 % Wilson intervals${pooled ? ", as if all runs had different starts" : ""}.`;
}

const spread = data.histogram && {
  ...data.histogram,
  ...Object.fromEntries([CONVERGED, FINISHED, STOPPED].filter((name) => data.histogram[name])
    .map((name) => [name, unpack(data.histogram[name], Uint32Array)])),
};

function drawSpread() {
  const { edges, bins } = spread, { status, paper } = look();
  const chosen = byId("spread-value").selectedIndex - 1; // -1: all
  const counts = (name) => edges.slice(1).map((_, bin) => {
    let total = 0;
    for (let at = 0; at < bins; at += 1) if (chosen < 0 || at === chosen) total += spread[name][at * (edges.length - 1) + bin];
    return total;
  });
  const x = edges.slice(1).map((edge, k) => (edge + edges[k]) / 2);
  const span = edges.slice(1).map((edge, k) => `${shown(10 ** edges[k])} to ${shown(10 ** edge)}`);
  draw("spread-plot", [CONVERGED, FINISHED, STOPPED].filter((name) => spread[name]?.some((n) => n > 0)).map((name) => [name, STATUSES.indexOf(name)]).map(([name, k]) => ({
    type: "bar", x, y: counts(name), width: edges[1] - edges[0], name, customdata: span, marker: { color: status[k], line: { width: 0 },
      pattern: { shape: k ? "" : "/", fillmode: "overlay", fgcolor: paper, fgopacity: 0.6, size: 6, solidity: 0.25 } },
    hovertemplate: `${data.loss} %{customdata}<br>%{y} ${name}<extra></extra>`,
  })), {
    barmode: "stack", showlegend: true,
    legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0, traceorder: "normal" },
    xaxis: axis(`final ${data.loss}`, { ...logTicks(edges[0], edges[edges.length - 1]), tickangle: narrow() ? -60 : "auto" }),
    yaxis: axis("runs", {}),
  });
  const out = spread.left_out.reduce((sum, n, at) => sum + (chosen < 0 || at === chosen ? n : 0), 0);
  byId("spread-note").textContent = out ? `${out.toLocaleString("en")} runs that diverged are not shown.` : "";
}

const SYMBOLS = ["circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "x"];
const regionClasses = data.regions && unpack(data.regions.classes, Uint8Array);

function drawFit() {
  const { x, y, inputs, targets } = data.curve, { status, ink } = look();
  draw("fit-plot", [
    ...y.map((values, k) => ({ x, y: values, mode: "lines", line: { color: status[k % 3], width: 2.5, simplify: false },
      name: y.length > 1 ? `prediction ${k + 1}` : "prediction", hovertemplate: "%{x:.4g}<br>%{y:.4g}<extra></extra>" })),
    ...targets.map((values, k) => ({ x: inputs, y: values, mode: "markers",
      marker: { color: y.length > 1 ? status[k % 3] : ink, size: 9, symbol: "circle-open", line: { width: 2 } },
      name: targets.length > 1 ? `target ${k + 1}` : "target", hovertemplate: "%{x:.4g}<br>target %{y:.4g}<extra></extra>" })),
  ], { xaxis: axis("input", {}), yaxis: axis("output", {}), showlegend: true });
  byId("fit-note").textContent = `Run ${data.curve.run_id}.`;
}

function drawRegions() {
  const { x, y, names, inputs } = data.regions, { classes, paper } = look();
  const colour = (k) => classes[k % classes.length];
  const z = y.map((_, row) => Array.from(regionClasses.subarray(row * x.length, (row + 1) * x.length)));
  // A class has the same colour from k - 0.5 to k + 0.5.
  const colorscale = names.flatMap((_, k) => [[k / names.length, colour(k)], [(k + 1) / names.length, colour(k)]]);
  const dots = (parts, suffix, hollow) => parts.map(([px, py], k) => ({
    x: px, y: py, type: "scatter", mode: "markers", name: `${names[k]}${suffix}`, hovertemplate: "%{x:.4g}, %{y:.4g}",
    marker: { symbol: SYMBOLS[k % SYMBOLS.length], size: 8, color: hollow ? paper : colour(k),
      line: { width: hollow ? 1.8 : 0.8, color: hollow ? colour(k) : paper } },
  })).filter((trace) => trace.x.length);
  draw("regions-plot", [
    { type: "heatmap", x, y, z, colorscale, zmin: -0.5, zmax: names.length - 0.5, showscale: false, opacity: 0.3, hoverinfo: "skip" },
    ...dots(data.regions.training, "", false), ...dots(data.regions.held_out, ", held out", true),
  ], { xaxis: axis(inputs[0], { showgrid: false, zeroline: false }), yaxis: axis(inputs[1], { showgrid: false, zeroline: false }), showlegend: true });
  byId("regions-note").textContent = `The class that run ${data.regions.run_id} predicts, and the data.`;
}

function copyButton(pre) {
  const button = element("button", "Copy", { className: "copy", type: "button" });
  button.addEventListener("click", () => {
    // Pages opened from disk may not use the clipboard: the text is then selected for Ctrl+C.
    const select = () => getSelection().selectAllChildren(pre);
    if (!navigator.clipboard) select();
    else navigator.clipboard.writeText(pre.textContent).then(() => { button.textContent = "Copied"; }, select);
  });
  return button;
}

function start() {
  if (views.length) startGrid();
  else if (runs) {
    picture("no-axes", () => drawFalls("no-axes-plot", runs.run_id.map((_, at) => at)));
    byId("no-axes-note").textContent = `${sampleNote()}`;
    byId("no-axes").append(runTable(runs.run_id.map((_, at) => at), "The runs"));
  }
  if (data.settings) startSettings();
  if (data.ends) picture("ends", drawEnds);
  if (data.epochs) picture("epochs", drawEpochs);
  if (spread && spread.edges && data.views.length) {
    byId("spread-controls").hidden = spread.axis === null;
    if (spread.axis !== null) byId("spread-axis").textContent = data.axes[0].name;
    options(byId("spread-value"), ["all", ...(spread.axis === null ? [] : labelsOf(0, spread.bins))]);
    byId("spread-value").addEventListener("change", drawSpread);
    picture("spread", drawSpread);
  }
  if (data.regions) picture("regions", drawRegions);
  if (data.curve) picture("fit", drawFit);
  document.querySelectorAll("section:not(#chain) .wide").forEach(enliven);
  // Every block is visible before the first picture takes its width.
  redraw();
  if (views.length) listen();
  for (const block of document.querySelectorAll(".copied")) block.append(copyButton(block.firstElementChild));
  document.body.dataset.drawn = "yes";
}

start();
