const box = document.getElementById("gate-search");
const gates = box.closest("section");
box.closest("label").hidden = false;
box.addEventListener("input", () => {
  const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
  gates.classList.toggle("searched", words.length > 0);
  for (const question of gates.querySelectorAll("tbody")) {
    const said = [...question.querySelectorAll(".question, .detail")].map((row) => row.textContent).join(" ");
    for (const row of question.querySelectorAll(".gate")) {
      const text = `${said} ${row.textContent}`.toLowerCase();
      row.classList.toggle("unfound", !words.every((word) => text.includes(word)));
    }
  }
});
