// Draws the pictures from the JSON in #data. What is counted was counted before, by Python.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const [CONVERGED, FINISHED, DIVERGED] = ["converged", "finished", "diverged"];

  // ------------------------------------------------------------------ numbers

  /** Arrays of float32 or uint32, little-endian, out of base64. */
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

  /** Ticks of an axis of logarithms: powers of ten, with 2 and 5 between where there are few. */
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
      status: [CONVERGED, FINISHED, DIVERGED].map(colour),
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

  // On a phone Plotly would turn labels to make room, and back again for they have it.
  const narrow = () => document.body.clientWidth < 480;

  /** An axis of bins: names at equal distances, whatever their numbers are. */
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

  // Every picture is drawn again when the colours of the page change, or its width: for a window,
  // and for paper, of which browsers tell in two ways.
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

  // ------------------------------------------------------------------ trajectories

  const runs = data.runs && {
    ...data.runs,
    epoch: unpack(data.runs.epoch, Uint32Array),
    ssr: unpack(data.runs.ssr, Float32Array), // logarithms to base 10
  };
  if (runs) {
    let end = 0; // each run begins where the one before it ends
    runs.first = runs.lengths.map((length) => (end += length) - length);
  }

  // Epoch 0 has no logarithm: it stands half an epoch before 1.
  const atEpoch = (epoch) => (data.log_epochs ? Math.max(epoch, 0.5) : epoch);

  function epochAxis(last) {
    if (!data.log_epochs) return axis("epoch", { rangemode: "tozero" });
    const powers = [];
    for (let at = 1; at <= last; at *= 10) powers.push(at);
    return axis("epoch", {
      type: "log", tickvals: [0.5, ...powers], ticktext: ["0", ...powers.map((at) => at.toLocaleString("en"))],
    });
  }

  const SHARES = ["0.05", "0.25", "0.5", "0.75", "0.95"];

  function bandTraces() {
    if (!data.bands) return [];
    const { band } = look();
    const x = data.bands.epoch.map(atEpoch);
    // A quantile at infinity leaves through the top of the picture.
    const upTo = (share) => data.bands[share].map((value) => value ?? 1e300);
    const pair = (low, high, strength, name) => [
      { x, y: upTo(low), mode: "lines", line: { width: 0 }, hoverinfo: "skip", showlegend: false },
      { x, y: upTo(high), mode: "lines", line: { width: 0 }, hoverinfo: "skip", fill: "tonexty",
        fillcolor: `rgba(${band}, ${strength})`, name, showlegend: true },
    ];
    return [
      ...pair("0.05", "0.95", 0.18, "90 % of all"),
      ...pair("0.25", "0.75", 0.28, "50 % of all"),
      { x, y: data.bands["0.5"], mode: "lines", line: { color: `rgb(${band})`, width: 2, dash: "dot" },
        name: "median", hovertemplate: "median of all<br>epoch %{x}<br>SSR %{y:.4g}<extra></extra>" },
    ];
  }

  function runTraces(chosen) {
    const { status } = look();
    const seen = new Set();
    return chosen.map((at) => {
      const from = runs.first[at], to = from + runs.lengths[at];
      const epochs = Array.from(runs.epoch.subarray(from, to));
      const name = data.statuses[runs.status[at]];
      const known = seen.has(name);
      seen.add(name);
      return {
        x: epochs.map(atEpoch), y: Array.from(runs.ssr.subarray(from, to), (log) => 10 ** log), customdata: epochs,
        mode: epochs.length < 2 ? "markers" : "lines", name, legendgroup: name, showlegend: !known,
        line: { color: status[runs.status[at]], width: 1.7, dash: name === DIVERGED ? "dash" : "solid" },
        marker: { color: status[runs.status[at]] },
        hovertemplate: `run ${runs.run_id[at]}, init ${runs.init_id[at]}<br>` +
          "epoch %{customdata}<br>SSR %{y:.4g}<extra></extra>",
      };
    });
  }

  /** A logarithmic axis for some numbers: ticks at decades, or between them where there are few. */
  function logAxis(title, numbers) {
    const logs = numbers.filter((value) => value > 0 && value < Infinity).map(Math.log10);
    if (!logs.length) return axis(title, { type: "log" });
    let low = Infinity, high = -Infinity;
    for (const log of logs) { low = Math.min(low, log); high = Math.max(high, log); }
    const span = high - low, margin = 0.05 * span + 0.05;
    const range = [low - margin, high + margin];
    if (span > 2) return axis(title, { type: "log", exponentformat: "power", dtick: Math.ceil(span / 8), range });
    const { tickvals, ticktext } = logTicks(...range);
    return axis(title, { type: "log", tickvals: tickvals.map((at) => 10 ** at), ticktext, range });
  }

  function drawFalls(id, chosen) {
    let last = data.bands ? Math.max(...data.bands.epoch) : 0;
    chosen.forEach((at) => { last = Math.max(last, runs.epochs[at]); });
    const lines = runTraces(chosen);
    // Runs that diverge would squeeze all others: of the bands it is the beginning and the median
    // that have to be in the picture.
    const seen = lines.flatMap(({ y }) => y);
    if (data.bands) seen.push(...SHARES.map((share) => data.bands[share][0]), ...data.bands["0.5"], ...data.bands["0.05"]);
    draw(id, [...bandTraces(), ...lines], {
      xaxis: epochAxis(last),
      yaxis: logAxis("SSR", seen),
      uirevision: `${id} ${chosen.join()}`,
    });
  }

  function runTable(chosen, caption) {
    const table = document.createElement("table");
    table.append(element("caption", caption));
    const head = table.createTHead().insertRow();
    for (const name of ["run_id", "init_id", "status", "epochs", "final SSR"]) {
      head.append(element("th", name, { scope: "col" }));
    }
    const body = table.createTBody();
    for (const at of chosen) {
      const row = body.insertRow();
      row.append(element("th", runs.run_id[at], { scope: "row" }));
      for (const text of [
        runs.init_id[at], data.statuses[runs.status[at]], runs.epochs[at].toLocaleString("en"), shown(runs.ssr_final[at]),
      ]) row.append(element("td", text));
    }
    const wide = element("div", "", { className: "wide", tabIndex: 0 });
    wide.setAttribute("role", "region");
    wide.setAttribute("aria-label", caption);
    wide.append(table);
    return wide;
  }

  const sampleNote = () => (data.bands
    ? `Bands are quantiles over ${data.bands.runs === data.bands.all ? "all" : "a sample of"} ${data.bands.runs.toLocaleString("en")} runs. ` : "");

  // ------------------------------------------------------------------ the heat map

  const state = { view: 0, colour: "median", filters: [], cell: null };

  const views = data.views.map((view) => ({
    ...view,
    median: Float64Array.from(unpack(view.median, Float32Array), (log) => 10 ** log),
    ...Object.fromEntries(["runs", CONVERGED, DIVERGED].map((name) => [name, unpack(view[name], Uint32Array)])),
  }));

  const now = () => views[state.view];
  const columns = () => now().bins[0];
  const rows = () => (now().y === null ? 1 : now().bins[1]);
  const across = () => (now().y === null ? 1 : 2);

  /** Place of a cell in the arrays of the view, with the filters as they are. */
  function place(x, y) {
    let at = 0;
    now().filters.forEach((_, k) => { at = at * (now().bins[across() + k] + 1) + state.filters[k]; });
    return (at * rows() + y) * columns() + x;
  }

  const labelsOf = (number, bins) => data.axes[number].labels[bins];
  const xLabels = () => labelsOf(now().x, now().bins[0]);
  const yLabels = () => (now().y === null ? [""] : labelsOf(now().y, now().bins[1]));

  function cellTexts(x, y) {
    const view = now(), at = place(x, y);
    const here = [`${data.axes[view.x].name} ${xLabels()[x]}`];
    if (view.y !== null) here.push(`${data.axes[view.y].name} ${yLabels()[y]}`);
    const n = view.runs[at], median = view.median[at];
    if (!n) return [...here, "no run"];
    if (n === 1) {
      if (view[DIVERGED][at]) return [...here, "1 run, diverged"];
      return [...here, `1 run, ${view[CONVERGED][at] ? CONVERGED : FINISHED}`, `final SSR ${shown(median)}`];
    }
    return [
      ...here, `${n.toLocaleString("en")} runs`,
      Number.isFinite(median) ? `median final SSR ${shown(median)}` : "half of them or more diverged",
      `${percent(view.converged[at] / n)} converged, ${percent(view.diverged[at] / n)} diverged`,
    ];
  }

  function drawMap() {
    const view = now(), { fallen, ink, paper } = look();
    const z = [], text = [], grey = [], marks = { x: [], y: [] };
    const logMedians = [];
    const each = (visit) => { for (let y = 0; y < rows(); y += 1) for (let x = 0; x < columns(); x += 1) visit(x, y, place(x, y)); };
    each((x, y, at) => {
      const value = view.median[at];
      if (value > 0 && Number.isFinite(value)) logMedians.push(Math.log10(value));
    });
    logMedians.sort((one, other) => one - other);
    if (!logMedians.length) logMedians.push(-1, 1);
    // A few cells that are about to diverge would make all others look the same.
    const low = logMedians[0], greatest = logMedians[logMedians.length - 1];
    const high = Math.min(greatest, logMedians[logMedians.length >> 1] + 4);
    each((x, y, at) => {
      if (x === 0) { z.push([]); text.push([]); grey.push([]); }
      const n = view.runs[at], median = view.median[at];
      const fell = n > 0 && median === Infinity;
      const value = state.colour === "median"
        ? (Number.isFinite(median) ? Math.max(Math.log10(Math.max(median, 1e-300)), low) : null)
        : (n ? view[state.colour][at] / n : null);
      z[y].push(n ? value : null);
      grey[y].push(fell && state.colour === "median" ? 1 : null);
      if (fell) { marks.x.push(xLabels()[x]); marks.y.push(yLabels()[y]); }
      text[y].push(cellTexts(x, y).join("<br>"));
    });
    const logs = state.colour === "median";
    const bar = logs
      ? { title: { text: narrow() ? "" : "median final SSR", side: "right" }, ...logTicks(low, high) }
      : { title: { text: narrow() ? "" : `share ${state.colour}`, side: "right" }, tickformat: ".0%" };
    const shared = { type: "heatmap", x: xLabels(), y: yLabels(), text, hovertemplate: "%{text}<extra></extra>" };
    const anywhere = marks.x.length > 0;
    const traces = [
      // The scale is dark where the SSR is low and where few converge or diverge.
      { ...shared, z, colorscale: "Viridis", zmin: logs ? low : 0, zmax: logs ? high : 1,
        colorbar: { thickness: 12, outlinewidth: 0, tickcolor: ink, ...bar } },
      { ...shared, z: grey, colorscale: [[0, fallen], [1, fallen]], zmin: 0, zmax: 1, showscale: false },
      // Grey and a cross: neither depends on how the eye sees colours. Too many crosses are a blot.
      { type: "scatter", mode: "markers", ...(marks.x.length <= 1500 ? marks : { x: [null], y: [null] }),
        marker: { symbol: "x-thin", size: Math.max(3, Math.min(8, 120 / Math.max(columns() / 2, rows() / 2))),
          line: { width: 1, color: logs ? ink : "#888888" } },
        opacity: 0.75, hoverinfo: "skip", name: "half or more diverged", showlegend: false },
    ];
    byId("map").classList.toggle("low", view.y === null);
    const [x, y] = state.cell ?? [-9, -9];
    draw("map", traces, {
      xaxis: categories(data.axes[view.x].name, xLabels()),
      yaxis: view.y === null ? { visible: false, fixedrange: true } : categories(data.axes[view.y].name, yLabels(), 0),
      uirevision: `map ${state.view}`,
      // Two outlines, so that one of them is seen on whatever colour.
      shapes: state.cell ? [[paper, 5], [ink, 2.5]].map(([color, width]) => ({
        type: "rect", x0: x - 0.5, x1: x + 0.5, y0: y - 0.5, y1: y + 0.5, line: { color, width } })) : [],
    });
    byId("map").setAttribute("aria-label", `Heat map: ${byId("colour").selectedOptions[0].text} over `
      + [view.x, view.y].filter((n) => n !== null).map((n) => data.axes[n].name).join(" and "));
    byId("map-note").textContent = [
      logs && high < greatest ? `The scale ends at ${shown(10 ** high)}; what is more has the same colour.` : "",
      anywhere ? `${logs ? "Grey" : "A cross"}: half of the runs or more diverged.` : "",
      ...[view.x, view.y].map((number, k) => (number !== null && view.bins[k] < data.axes[number].count
        ? `${data.axes[number].name}: ${data.axes[number].count.toLocaleString("en")} values in ${view.bins[k]} bins.` : "")),
    ].filter(Boolean).join(" ");
  }

  /** The sampled runs of a cell. The bins are computed as Python does. */
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
      if (wanted.every(([number, bins, bin]) => Math.floor((runs.places[number][at] * bins) / data.axes[number].count) === bin)) found.push(at);
    }
    return found;
  }

  function exportCommand(x, y) {
    const view = now();
    const where = [data.axes[view.x].where[view.bins[0]][x]];
    if (view.y !== null) where.push(data.axes[view.y].where[view.bins[1]][y]);
    view.filters.forEach((number, k) => {
      if (state.filters[k]) where.push(data.axes[number].where[view.bins[across() + k]][state.filters[k] - 1]);
    });
    return `harness export ${data.folder} --table trajectories --where "${where.join(" and ")}"`;
  }

  function showCell() {
    const [x, y] = state.cell, view = now();
    const chosen = sampleOf(x, y), n = view.runs[place(x, y)];
    if (runs) drawFalls("falls", chosen);
    const parts = [element("p", `${cellTexts(x, y).join(", ")}.`)];
    if (chosen.length) {
      parts.push(runTable(chosen, chosen.length < n ? `${chosen.length} of its ${n.toLocaleString("en")} runs` : "Its runs"));
    } else if (n) {
      parts.push(element("p", runs ? "No trajectory of this cell is among those in this file." : "No trajectories were recorded."));
    }
    if (n && runs) {
      parts.push(element("p", "All of them:"), element("pre", exportCommand(x, y), { tabIndex: 0 }));
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
      : Math.floor((data.best_places[number] * bins) / data.axes[number].count));
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
      byId("cell").replaceChildren(element("p", `${cellTexts(...state.cell).join(", ")}. Enter shows its trajectories.`));
    } else return;
    event.preventDefault();
  }

  function startGrid() {
    options(byId("view"), views.map((view) => [view.x, view.y].filter((n) => n !== null).map((n) => data.axes[n].name).join(" × ")));
    byId("view-label").hidden = views.length < 2;
    makeFilters();
    state.cell = bestCell();
    picture("grid", () => { drawMap(); showCell(); });
    if (!runs) byId("falls").closest("figure").remove();
  }

  /** What the reader does; the picture has to be there before it can be listened to. */
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

  // ------------------------------------------------------------------ the smaller pictures

  function drawEpochs() {
    const found = data.epochs, { status, ink } = look();
    const y = found.median, top = Math.max(...y.filter((value) => value !== null), 1);
    // An end at infinity is far above the picture.
    const error = (ends, sign) => ends.map((end, k) => (y[k] === null ? 0 : sign * ((end ?? 100 * top) - y[k])));
    const never = found.label.filter((_, k) => y[k] === null);
    draw("epochs-plot", [
      { x: found.label, y, type: "scatter", mode: "lines+markers", name: "median, 95 % interval", connectgaps: false,
        line: { color: status[1] }, marker: { size: 7 },
        customdata: found.runs.map((n, k) => [found.reached[k].toLocaleString("en"), n.toLocaleString("en")]),
        hovertemplate: "%{x}<br>%{y} epochs<br>%{customdata[0]} of %{customdata[1]} runs<extra></extra>",
        error_y: { type: "data", symmetric: false, array: error(found.high, 1), arrayminus: error(found.low, -1), color: status[1], thickness: 1.2 } },
      { x: never, y: never.map(() => top * 2), type: "scatter", mode: "markers", name: "not half of the runs",
        marker: { symbol: "triangle-up-open", size: 9, color: ink }, showlegend: never.length > 0,
        hovertemplate: "%{x}<br>less than half of the runs got there<extra></extra>" },
    ], {
      xaxis: categories(found.axis, found.label),
      yaxis: logAxis("epochs", [...y, ...found.low, ...found.high, ...(never.length ? [2 * top] : [])]),
      showlegend: true,
    });
    byId("epochs-note").textContent = "Epochs until half of the runs "
      + (found.by_tolerance ? "converged" : "got there")
      + (found.threshold === null ? "" : `, to an SSR of ${shown(found.threshold)} or less`)
      + ", by Kaplan and Meier: runs that never do count too.";
  }

  function drawEnds() {
    const found = data.ends, { status } = look();
    draw("ends-plot", [CONVERGED, DIVERGED].map((name) => {
      const y = found[name], color = status[data.statuses.indexOf(name)];
      return {
        x: found.label, y, name, type: "scatter", mode: "lines+markers",
        line: { color, dash: name === DIVERGED ? "dash" : "solid" }, marker: { size: 6, symbol: name === DIVERGED ? "x" : "circle" },
        error_y: { type: "data", symmetric: false, color, thickness: 1.2, width: 3,
          array: found[`${name}_high`].map((high, k) => high - y[k]), arrayminus: found[`${name}_low`].map((low, k) => y[k] - low) },
        customdata: found.runs, hovertemplate: `%{x}<br>%{y:.1%} of %{customdata} runs ${name}<extra></extra>`,
      };
    }), {
      xaxis: categories(found.axis, found.label), yaxis: axis("share of runs", { tickformat: ".0%" }), showlegend: true,
    });
    byId("ends-note").textContent = "With 95 % intervals by Wilson.";
  }

  const spread = data.histogram && {
    ...data.histogram,
    ...Object.fromEntries([CONVERGED, FINISHED].map((name) => [name, unpack(data.histogram[name], Uint32Array)])),
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
    draw("spread-plot", [CONVERGED, FINISHED].filter((name) => spread[name].some((n) => n > 0)).map((name) => [name, name === FINISHED ? 1 : 0]).map(([name, k]) => ({
      type: "bar", x, y: counts(name), width: edges[1] - edges[0], name, customdata: span, marker: { color: status[k], line: { width: 0 },
        pattern: { shape: k ? "" : "/", fillmode: "overlay", fgcolor: paper, fgopacity: 0.6, size: 6, solidity: 0.25 } },
      hovertemplate: `SSR %{customdata}<br>%{y} ${name}<extra></extra>`,
    })), {
      barmode: "stack", showlegend: true,
      legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0, traceorder: "normal" },
      xaxis: axis("final SSR", { ...logTicks(edges[0], edges[edges.length - 1]), tickangle: narrow() ? -60 : "auto" }),
      yaxis: axis("runs", {}),
    });
    const out = spread.left_out.reduce((sum, n, at) => sum + (chosen < 0 || at === chosen ? n : 0), 0);
    byId("spread-note").textContent = out ? `${out.toLocaleString("en")} runs that diverged are not in it.` : "";
  }

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

  function copyButton(pre) {
    const button = element("button", "Copy", { className: "copy", type: "button" });
    button.addEventListener("click", () => {
      // A file opened from disk may not use the clipboard: then the text is marked for Ctrl+C.
      const mark = () => getSelection().selectAllChildren(pre);
      if (!navigator.clipboard) mark();
      else navigator.clipboard.writeText(pre.textContent).then(() => { button.textContent = "Copied"; }, mark);
    });
    return button;
  }

  function start() {
    if (views.length) startGrid();
    else if (runs) {
      picture("alone", () => drawFalls("alone-plot", runs.run_id.map((_, at) => at)));
      byId("alone-note").textContent = `${sampleNote()}`;
      byId("alone").append(runTable(runs.run_id.map((_, at) => at), "The runs"));
    }
    if (data.ends) picture("ends", drawEnds);
    if (data.epochs) picture("epochs", drawEpochs);
    if (spread && spread.edges && data.views.length) {
      byId("spread-controls").hidden = spread.axis === null;
      if (spread.axis !== null) byId("spread-axis").textContent = data.axes[0].name;
      options(byId("spread-value"), ["all", ...(spread.axis === null ? [] : labelsOf(0, spread.bins))]);
      byId("spread-value").addEventListener("change", drawSpread);
      picture("spread", drawSpread);
    }
    if (data.curve) picture("fit", drawFit);
    // All places are there before the first picture takes its width.
    redraw();
    if (views.length) listen();
    for (const block of document.querySelectorAll(".copied")) block.append(copyButton(block.firstElementChild));
    document.body.dataset.drawn = "yes";
  }

  start();
})();
