const { ITable, set_or_remove_dark_class } = globalThis.tables;
set_or_remove_dark_class();
for (const table of document.querySelectorAll("table.sortable"))
  new ITable(table, JSON.parse(document.getElementById("table-options").textContent));

// To read plotly takes longer than all else on the page: it waits for the first plot that comes onto the screen.
function loadPlotly() {
  if (globalThis.Plotly) return;
  const script = document.createElement("script");
  script.textContent = document.getElementById("plotly").textContent;
  document.head.append(script);
}
function draw(place) {
  screen.unobserve(place);
  loadPlotly();
  const { data, layout } = JSON.parse(document.getElementById(place.dataset.plot).textContent);
  Plotly.newPlot(place, data, layout, { responsive: true, displaylogo: false });
}
const screen = new IntersectionObserver((seen) => {
  for (const { isIntersecting, target } of seen) if (isIntersecting) draw(target);
});
const plots = document.querySelectorAll("[data-plot]");
for (const place of plots) screen.observe(place);
addEventListener("beforeprint", () => plots.forEach((place) => place.hasChildNodes() || draw(place)));
