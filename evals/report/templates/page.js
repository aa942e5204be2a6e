(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const { systems, statuses, columns, block: blockSize, rows } = read("data-samples");
  const at = Object.fromEntries(columns.map((name, place) => [name, place]));
  const byId = (id) => document.getElementById(id);
  const PAGE = 100;
  const QUADRANTS = {
    "right-grounded": { right: "1", grounded: "1" },
    "right-ungrounded": { right: "1", grounded: "0" },
    "wrong-grounded": { right: "0", grounded: "1" },
    "wrong-ungrounded": { right: "0", grounded: "0" },
  };
  const QUICK = [
    ["All", {}],
    ["Right but never saw it", { ...QUADRANTS["right-ungrounded"], answerable: "1" }],
    ["Right and saw it", { ...QUADRANTS["right-grounded"], answerable: "1" }],
    ["Wrong though it saw it", { ...QUADRANTS["wrong-grounded"], answerable: "1" }],
    ["Abstained", { status: String(statuses.indexOf("abstained")) }],
    ["Errors", { status: String(statuses.indexOf("errored")) }],
  ];
  const FIELDS = ["system", "category", "group", "status", "right", "grounded", "answerable"];
  const SHOWN = [
    ["question", "question"], ["system", "system"], ["category", "category"], ["status", "status"],
    ["gold", "gold"], ["chosen", "chosen"], ["right", "right"],
    ["grounded", "grounded"], ["confidence", "confidence"], ["frames", "frames"],
    ["seconds", "seconds"],
  ];
  const NUMBERS = new Set(["confidence", "frames", "seconds"]);
  const YES_NO = { 1: "yes", 0: "no", null: "\u2013" };

  let blocks = null;
  let filter = {};
  let search = "";
  let order = { name: null, down: false };
  let found = rows.map((_, place) => place);
  let listed = 0;
  let open = -1;
  const haystacks = rows.map((row) =>
    ["uid", "video", "category", "question"].map((name) => row[at[name]]).join("\n").toLowerCase());

  function make(name, properties = {}, ...children) {
    const element = document.createElement(name);
    Object.assign(element, properties);
    element.append(...children);
    return element;
  }
  const words = (text) => make("bdi", {}, String(text));

  function told(name, value) {
    if (name === "system") return systems[value];
    if (name === "status") return statuses[value];
    if (name === "right" || name === "grounded" || name === "answerable") return YES_NO[value];
    if (name === "confidence") return value.toFixed(2);
    if (name === "seconds") return value.toFixed(1);
    return String(value);
  }

  const fits = (row, wanted) =>
    Object.entries(wanted).every(([name, value]) =>
      name === "category" ? row[at.category].split(", ").includes(value)
        : String(row[at[name]]) === value);

  function sieve() {
    const needle = search.trim().toLowerCase();
    found = [];
    rows.forEach((row, place) => {
      if (fits(row, filter) && (!needle || haystacks[place].includes(needle))) found.push(place);
    });
    if (order.name !== null) {
      const column = at[order.name];
      const sign = order.down ? -1 : 1;
      found.sort((a, b) => sign * compare(rows[a][column], rows[b][column]) || a - b);
    }
    show();
  }

  function compare(one, other) {
    if (one === other) return 0;
    if (one === null) return 1;
    if (other === null) return -1;
    if (typeof one === "number") return one - other;
    return one < other ? -1 : 1;
  }

  function show() {
    listed = 0;
    byId("list").tBodies[0].replaceChildren();
    extend();
    const of = found.length === rows.length ? "" : ` of ${rows.length.toLocaleString("en")}`;
    byId("count").textContent = `${found.length.toLocaleString("en")}${of} samples`;
    for (const button of byId("quick").children) {
      button.setAttribute("aria-pressed", String(same(filter, QUICK[button.value][1])));
    }
    for (const control of byId("filters").querySelectorAll("select")) {
      control.value = filter[control.name] ?? "";
    }
  }

  function same(one, other) {
    const trim = ({ system, ...rest }) => JSON.stringify(Object.entries(rest).sort());
    return trim(one) === trim(other);
  }

  function extend() {
    const next = found.slice(listed, listed + PAGE).map(line);
    byId("list").tBodies[0].append(...next);
    listed += next.length;
    byId("more").hidden = listed >= found.length;
  }

  function line(place) {
    const row = rows[place];
    const lucky = row[at.right] === 1 && row[at.grounded] === 0 && row[at.answerable] === 1;
    return make("tr", { className: lucky ? "lucky" : "" }, ...SHOWN.map(([name]) => {
      const text = words(told(name, row[at[name]]));
      if (name === "question") {
        const link = make("a", { href: `#sample/${place}` }, text);
        return make("td", { className: name }, link, make("small", {}, words(row[at.uid])));
      }
      return make("td", { className: NUMBERS.has(name) ? "number" : "short" }, text);
    }));
  }

  function headings() {
    const cells = SHOWN.map(([name, title]) => {
      const cell = make("th", { scope: "col" });
      cell.append(make("button", {
        type: "button",
        onclick: () => {
          order = { name, down: order.name === name ? !order.down : NUMBERS.has(name) };
          for (const other of cell.parentElement.children) other.removeAttribute("aria-sort");
          cell.setAttribute("aria-sort", order.down ? "descending" : "ascending");
          sieve();
        },
      }, title));
      return cell;
    });
    byId("list").tHead.rows[0].append(...cells);
  }

  function quick() {
    QUICK.forEach(([title, wanted], value) => {
      const number = rows.filter((row) => fits(row, wanted)).length;
      if (!number && value) return;
      const button = make("button", {
        type: "button",
        value,
        onclick: () => {
          filter = { ...wanted, ...(filter.system === undefined ? {} : { system: filter.system }) };
          sieve();
        },
      }, `${title} `, make("b", {}, number.toLocaleString("en")));
      byId("quick").append(button);
    });
  }

  function choices(name) {
    const values = new Set();
    for (const row of rows) {
      if (name === "category") row[at.category].split(", ").forEach((value) => values.add(value));
      else values.add(row[at[name]]);
    }
    return [...values].sort(compare);
  }

  function filters() {
    for (const name of FIELDS) {
      const values = choices(name);
      if (values.length < 2) continue;
      const select = make("select", {
        name,
        onchange: () => {
          const { [name]: _, ...rest } = filter;
          filter = select.value === "" ? rest : { ...rest, [name]: select.value };
          sieve();
        },
      }, make("option", { value: "" }, "all"),
      ...values.map((value) => make("option", { value: String(value) }, told(name, value) || "none")));
      byId("filters").append(make("label", {}, name, select));
    }
    const box = make("input", {
      type: "search",
      placeholder: "question, sample, video",
      oninput: () => { search = box.value; sieve(); },
    });
    byId("filters").append(make("label", {}, "search", box));
  }

  async function unpack(place) {
    blocks ??= read("data-blocks");
    const bytes = Uint8Array.from(atob(blocks[Math.floor(place / blockSize)]), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return (await new Response(stream).json())[place % blockSize];
  }

  async function view(place) {
    open = place;
    const row = rows[place];
    byId("viewer-title").textContent = `${systems[row[at.system]]} \u00b7 ${row[at.uid]}`;
    const position = found.indexOf(place);
    byId("previous").disabled = position <= 0;
    byId("next").disabled = position < 0 || position + 1 >= found.length;
    if (!byId("viewer").open) byId("viewer").showModal();
    let doc;
    try {
      doc = await unpack(place);
    } catch (error) {
      byId("evidence").textContent = `This browser cannot unpack the evidence (${error.message}).`;
      return;
    }
    if (open !== place) return;
    Evidence.show(byId("evidence"), doc);
    byId("viewer").scrollTop = 0;
    byId("evidence").focus({ preventScroll: true });
  }

  function step(by) {
    const next = found[found.indexOf(open) + by];
    if (open >= 0 && next !== undefined) location.replace(`#sample/${next}`);
  }

  function route() {
    const [kind, first, second] = location.hash.slice(1).split("/");
    if (kind === "sample" && rows[Number(first)]) {
      view(Number(first));
      return;
    }
    open = -1;
    if (byId("viewer").open) byId("viewer").close();
    if (kind === "samples" && QUADRANTS[second]) {
      filter = { system: first, ...QUADRANTS[second], answerable: "1" };
      sieve();
      byId("samples").scrollIntoView();
    }
  }

  headings();
  quick();
  filters();
  sieve();
  byId("browser").hidden = false;
  byId("more").onclick = extend;
  new IntersectionObserver((seen) => {
    if (seen.some((one) => one.isIntersecting) && listed < found.length) extend();
  }).observe(byId("more"));
  byId("previous").onclick = () => step(-1);
  byId("next").onclick = () => step(1);
  byId("close").onclick = () => byId("viewer").close();
  byId("viewer").addEventListener("close", () => {
    if (location.hash.startsWith("#sample/")) history.replaceState(null, "", "#samples");
    open = -1;
  });
  byId("viewer").addEventListener("keydown", (event) => {
    if (event.target.closest("input, select, pre, summary")) return;
    if (event.key === "ArrowLeft") step(-1);
    if (event.key === "ArrowRight") step(1);
  });
  window.addEventListener("hashchange", route);
  route();
})();
