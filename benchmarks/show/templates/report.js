// Make the tables sortable, and their columns of words filterable.
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark", dark.matches);
dark.addEventListener("change", follow);
follow();
for (const table of document.querySelectorAll("table.sheet")) {
  new DataTable(table, {
    order: [],
    pageLength: 25,
    lengthMenu: [25, 100, { label: "all", value: -1 }],
    paging: table.tBodies[0].rows.length > 25,
    autoWidth: false,
    language: { columnControl: { dropdown: "Choose" } },
    layout: table.tBodies[0].rows.length > 25 ? {} : { topEnd: null, bottomStart: null },
    columnDefs: [{ targets: "words", columnControl: [["searchList"]] }],
  });
}
