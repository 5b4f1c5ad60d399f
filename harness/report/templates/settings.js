// The loss over the epochs at some values of an axis.

const MARKERS = ["circle", "square", "triangle-up", "diamond", "x", "star"];

function settingTraces(found) {
  const { classes } = look();
  return found.values.flatMap((value, k) => {
    const label = `${data.axes[found.axis].name} ${value.label}`;
    const fell = value.diverged ? ` (${value.diverged} of ${value.runs} diverged)` : "";
    const color = classes[k];
    if (!value.lines.training) return [{ x: [null], y: [null], mode: "markers", name: label + fell, marker: { color, symbol: "x-thin-open" } }];
    return Object.entries(value.lines).flatMap(([name, line]) => {
      const x = line.epoch.map(atEpoch);
      const edge = (y) => ({ x, y, mode: "lines", line: { width: 0 }, hoverinfo: "skip", showlegend: false, legendgroup: label });
      const median = {
        x, y: line.median, mode: "lines+markers", name: name === "training" ? label + fell : `${value.label}, ${name}`,
        legendgroup: label, showlegend: name === "training", line: { color, width: 2, dash: name === "training" ? "solid" : "dash" },
        marker: { symbol: MARKERS[k], size: 7, maxdisplayed: 8 },
        hovertemplate: `${label}, ${name}<br>epoch %{x}<br>median ${data.loss} %{y:.4g}<extra></extra>`,
      };
      if (name !== "training" || value.runs - value.diverged < 2) return [median];
      return [edge(line.low), { ...edge(line.high), fill: "tonexty", fillcolor: color.replace("rgb(", "rgba(").replace(")", ", 0.18)") }, median];
    });
  });
}

function drawSettings() {
  const found = data.settings[byId("settings-axis").selectedIndex];
  const lines = found.values.flatMap((value) => Object.values(value.lines));
  draw("settings-plot", settingTraces(found), {
    xaxis: epochAxis(Math.max(1, ...lines.flatMap(({ epoch }) => epoch))),
    yaxis: logAxis(data.loss, lines.flatMap(({ low, median, high }) => [...low, ...median, ...high])),
    showlegend: true, uirevision: `settings ${found.axis}`,
  });
  const heldOut = lines.length > found.values.filter((value) => value.lines.training).length;
  const runs = Math.max(...found.values.map((value) => value.runs));
  byId("settings-note").textContent = [
    runs > 1 ? `Medians and middle halves of up to ${runs} starts at each value, without runs that diverged.` : "One run at each value.",
    heldOut ? "Dashed: held-out data." : "",
    data.settings.length > 1 || data.views.length ? "Other axes have the values of the best run." : "",
  ].filter(Boolean).join(" ");
}

function startSettings() {
  options(byId("settings-axis"), data.settings.map((found) => data.axes[found.axis].name));
  byId("settings-controls").hidden = data.settings.length < 2;
  byId("settings-axis").addEventListener("change", drawSettings);
  picture("settings", drawSettings);
}
