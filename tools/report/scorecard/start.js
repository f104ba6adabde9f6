const { ITable, set_or_remove_dark_class } = globalThis.tables;
set_or_remove_dark_class();
for (const table of document.querySelectorAll("table.sortable"))
  new ITable(table, JSON.parse(document.getElementById("table-options").textContent));
for (const place of document.querySelectorAll("[data-plot]")) {
  const { data, layout } = JSON.parse(document.getElementById(place.dataset.plot).textContent);
  Plotly.newPlot(place, data, layout, { responsive: true, displaylogo: false });
}
