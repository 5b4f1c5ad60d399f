// Tables that sort by a click on a heading, and that show only the rows with some text.

/** A cell as a number, if it is one, so that 10 comes after 9 and infinity after both. */
function cellValue(row, column) {
  const text = row.cells[column].textContent.trim();
  const plain = text.replaceAll("\u2212", "-").replaceAll(",", "").replace(/^[<>]|\s?%$/g, "").replace("\u221e", "Infinity");
  return plain !== "" && !Number.isNaN(Number(plain)) ? Number(plain) : text;
}

function compared(one, other) {
  if (typeof one === typeof other) return typeof one === "number" ? one - other : one.localeCompare(other);
  return typeof one === "number" ? -1 : 1; // numbers first
}

function sortBy(table, column) {
  const body = table.tBodies[0], heading = table.tHead.rows[0].cells[column];
  const ascending = heading.getAttribute("aria-sort") !== "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const rows = [...body.rows].sort((one, other) => compared(cellValue(one, column), cellValue(other, column)));
  body.append(...(ascending ? rows : rows.reverse()));
}

const MANY_ROWS = 8;

function enliven(wide) {
  const table = wide.querySelector("table"), body = table.tBodies[0];
  if (body.rows.length > 1) {
    [...table.tHead.rows[0].cells].forEach((heading, column) => {
      const button = element("button", heading.textContent, { type: "button", className: "sort" });
      button.addEventListener("click", () => sortBy(table, column));
      heading.replaceChildren(button);
    });
  }
  if (body.rows.length > MANY_ROWS) {
    const label = element("label", "only rows with ", { className: "filter" });
    const input = element("input", "", { type: "search" });
    input.addEventListener("input", () => {
      const wanted = input.value.trim().toLowerCase();
      for (const row of body.rows) row.hidden = ![...row.cells].some((cell) => cell.textContent.toLowerCase().includes(wanted));
    });
    label.append(input);
    wide.before(label);
  }
  const hint = element("p", "The table scrolls.", { className: "hint" });
  wide.after(hint);
  pictures.push(() => { hint.hidden = wide.scrollWidth <= wide.clientWidth && wide.scrollHeight <= wide.clientHeight; });
}
