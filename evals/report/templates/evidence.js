"use strict";
/* Evidence.show(container, doc) fills a container with one evidence document.
   Every string of a document is data: it becomes text, never markup. */
const Evidence = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  const PICTURE = /^(data:image\/jpeg;base64,[A-Za-z0-9+/=]+|\/frames\/[\w%.-]+\/[\w%.-]+)$/;
  const MOST_TIMES = 80;

  function make(name, properties = {}, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(properties)) {
      if (key === "class") element.className = value;
      else if (key in element) element[key] = value;
      else element.setAttribute(key, value);
    }
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
  }

  function draw(name, attributes = {}, ...children) {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  }

  /** Words of a video or a model, kept from turning the text around them. */
  const words = (text) => make("bdi", {}, String(text ?? ""));

  function clock(seconds, decimals = 0) {
    if (!Number.isFinite(seconds)) return "?";
    const scale = 10 ** decimals;
    const ticks = Math.floor(seconds * scale + 1e-6);
    const whole = Math.floor(ticks / scale);
    const two = (number) => String(number).padStart(2, "0");
    const time = `${two(Math.floor(whole / 3600))}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
    return decimals ? `${time}.${String(ticks % scale).padStart(decimals, "0")}` : time;
  }

  const range = ([start, end]) => `${clock(start, 1)}\u2013${clock(end, 1)}`;
  const count = (number, one, many = `${one}s`) =>
    `${Number(number).toLocaleString("en")} ${number === 1 ? one : many}`;

  function verdict(doc) {
    const shown = count(doc.frames.length, "frame");
    if (doc.status === "errored") return ["failed", "No answer: the sample failed."];
    if (!doc.answerable) {
      return doc.right
        ? ["seen", "Right to abstain: nothing in the video answers this."]
        : ["lucky", "Answered what nothing in the video answers."];
    }
    if (doc.status === "abstained") {
      const where = doc.grounded ? ", though a frame of the gold span was shown" : "";
      return ["", `Abstained${where}.`];
    }
    if (doc.right === null) return ["", "Answered in prose, which has no right or wrong here."];
    const how = doc.status === "forced" ? " This was a guess that the run asked for." : "";
    if (doc.right && doc.grounded === null) return ["seen", `Right.${how}`];
    if (doc.right && doc.grounded) return ["seen", `Right, and a frame of the gold span was shown.${how}`];
    if (doc.right) {
      const none = doc.frames.length ? `none of ${shown} shown lies in a gold span` : "no frame was shown at all";
      return ["lucky", `Right, but it never saw it: ${none}.${how}`];
    }
    if (doc.grounded) return ["", `Wrong, though a frame of the gold span was shown.${how}`];
    if (doc.grounded === false && doc.frames.length) {
      return ["", `Wrong: none of ${shown} shown lies in a gold span.${how}`];
    }
    return ["", `Wrong.${how}`];
  }

  function option(entry) {
    const marks = [entry.chosen && "chosen", entry.gold && "gold"].filter(Boolean);
    return make(
      "li", { class: ["ev-option", ...marks].join(" ") },
      make("b", {}, entry.letter), words(entry.text),
      marks.length ? make("span", { class: "ev-mark" }, marks.join(" \u00b7 ")) : null,
    );
  }

  function tags(doc) {
    const system = [doc.mode, doc.variant].filter(Boolean).join(" ");
    const parts = [system, doc.uid, doc.video, clock(doc.duration), doc.categories.join(", "), doc.group];
    if (doc.defect) parts.push(`defective row: ${doc.defect}`);
    return parts.filter(Boolean).map((part) => words(part));
  }

  function answer(doc) {
    const found = doc.answer;
    const parts = [];
    if (found && found.outcome === "answered") {
      const letter = found.choice ? `${found.choice}: ` : "";
      parts.push(make("p", { class: "ev-quote" }, letter, words(found.text)));
    }
    if (found?.reason) parts.push(make("p", { class: "ev-quote" }, words(found.reason)));
    if (found) {
      const facts = [
        found.by && found.by !== "none" && `by the ${found.by}`,
        found.outcome === "answered" && `confidence ${Number(found.confidence).toFixed(2)}`,
        found.forced && "forced",
        found.proven && "claims proof",
        found.cause && `cause: ${found.cause}`,
      ].filter(Boolean);
      if (facts.length) parts.push(make("p", { class: "ev-note" }, words(facts.join(" \u00b7 "))));
      for (const citation of found.citations) parts.push(cited(citation));
    }
    for (const [judge, grounded] of Object.entries(doc.judges ?? {})) {
      const says = grounded ? "the evidence carries this answer" : "the evidence does not carry it";
      parts.push(make("p", { class: "ev-note" }, words(judge), `: ${says}`));
    }
    if (!doc.options.length && doc.gold) {
      parts.push(make("p", { class: "ev-quote" }, "Reference: ", words(doc.gold)));
    }
    if (doc.error) {
      parts.push(make("p", {}, make("b", {}, words(doc.error.type)), " ", words(doc.error.message)));
      if (doc.error.traceback) {
        parts.push(make("pre", { class: "ev-error", tabIndex: 0 }, doc.error.traceback));
      }
    }
    return parts;
  }

  function cited(citation) {
    const spans = citation.spans.map(range).join(", ");
    const times = citation.frames.map((time) => clock(time, 1)).join(", ");
    return make(
      "p", {}, "Cites ", make("b", {}, words(citation.evidence)), ` (${spans}), frames at ${times}`,
    );
  }

  function inspection(entry) {
    const outcome = entry.sufficient ? "sufficient" : `search more${entry.reason ? `: ${entry.reason}` : ""}`;
    const seen = entry.observations.map((one) =>
      make("li", {}, make("b", {}, clock(one.time, 1)), " ", words(one.text)));
    return make(
      "div", { class: "ev-inspection" },
      make("p", {}, make("b", {}, words(entry.id)), entry.spans.map(range).join(", "),
        ` \u00b7 ${count(entry.shown, "frame")} \u00b7 `, words(outcome)),
      entry.answer ? make("p", {}, "Answer: ", words(entry.answer)) : null,
      entry.missing ? make("p", {}, "Missing: ", words(entry.missing)) : null,
      entry.downgraded ? make("p", {}, "Not believed: ", words(entry.downgraded)) : null,
      seen.length ? make("ul", { class: "ev-list" }, ...seen) : null,
    );
  }

  function step(entry) {
    return make(
      "li", { class: "ev-step" },
      make("span", {}, String(entry.number)),
      make("div", {},
        entry.said ? make("p", {}, words(entry.said)) : null,
        make("p", {}, make("b", {}, words(entry.tool ?? "no call")), " ",
          entry.tool ? make("code", {}, words(entry.args)) : null,
          make("span", { class: "ev-note" }, ` ${Number(entry.seconds).toFixed(2)} s`)),
        make("details", { open: entry.failed },
          make("summary", {}, entry.failed ? "failed" : "what it was told"),
          make("code", { class: entry.failed ? "failed" : "" }, words(entry.result)))),
    );
  }

  function frame(entry) {
    const marks = [entry.cited && "cited", entry.gold && "in a gold span"].filter(Boolean);
    const label = `${clock(entry.time, 2)}${marks.length ? `, ${marks.join(", ")}` : ""}`;
    return make(
      "li", { class: entry.cited ? "ev-frame cited" : "ev-frame" },
      make("img", { src: entry.picture, alt: `Frame at ${label}`, loading: "lazy" }),
      make("p", {}, make("b", {}, clock(entry.time, 2)), " ", words(entry.evidence),
        marks.length ? ` \u00b7 ${marks.join(" \u00b7 ")}` : ""),
    );
  }

  function frameNote(doc, pictured) {
    const total = doc.frames.length;
    if (!total) return "No frame was shown.";
    const inside = doc.frames.filter((one) => one.gold).length;
    const gold = doc.timeline.gold.length ? `, ${inside.toLocaleString("en")} of them in a gold span` : "";
    const head = `${count(total, "frame")} shown${gold}. `;
    if (pictured === total) return head;
    if (pictured) return `${head}${pictured} of them pictured, cited ones first.`;
    const times = doc.frames.slice(0, MOST_TIMES).map((one) => clock(one.time, 1)).join(", ");
    return `${head}No pictures are kept here; times: ${times}${total > MOST_TIMES ? " \u2026" : ""}`;
  }

  /** A part of the video to look at closely, and what the button for it says. */
  function windows(doc) {
    const { duration, gold, inspected } = doc.timeline;
    const around = (name, [start, end]) => {
      const pad = Math.max(10, end - start);
      return { name, from: Math.max(0, start - pad), to: Math.min(duration, end + pad) || end + pad };
    };
    const parts = [
      ...gold.map((span, place) => around(gold.length > 1 ? `gold ${place + 1}` : "gold", span)),
      ...inspected.map((span) => {
        const alone = inspected.filter((other) => other[2] === span[2]).length === 1;
        return around(alone ? span[2] : `${span[2]} ${clock(span[0])}`, span);
      }),
    ];
    return [{ name: "whole video", from: 0, to: duration }, ...parts.slice(0, 24)];
  }

  function timeline(doc, parts) {
    const choices = windows(doc);
    const buttons = choices.map((choice, place) =>
      make("button", {
        type: "button",
        onclick: () => select(place),
      }, words(choice.name)));
    function select(place) {
      buttons.forEach((button, at) => button.setAttribute("aria-pressed", String(at === place)));
      parts.lanes.replaceChildren(...lanes(doc, choices[place]));
    }
    parts.zoom.replaceChildren(...buttons);
    select(0);
  }

  function lanes(doc, view) {
    const { gold, retrieved, inspected, cited: carried } = doc.timeline;
    const at = (time) => (100 * (time - view.from)) / (view.to - view.from);
    const named = [["gold", gold], ["retrieved", retrieved], ["inspected", inspected], ["cited", carried]];
    const rows = named.flatMap(([name, spans]) => [
      make("span", { class: "ev-lane-name" }, name),
      lane(`${name}: ${spans.length ? spans.map(range).join(", ") : "none"}`,
        spans.map((span) => bar(name, span, at))),
    ]);
    const shade = gold.map(([start, end]) => draw("rect", {
      class: "ev-shade", x: `${at(start)}%`, width: `${Math.max(0, at(end) - at(start))}%`, height: "100%",
    }));
    const ticks = [...doc.frames].sort((a, b) => a.cited - b.cited).map((one) => tick(one, at));
    rows.push(
      make("span", { class: "ev-lane-name" }, "frames"),
      lane(`${count(doc.frames.length, "frame")} shown`, [...shade, ...ticks]),
      make("span", {}), axis(view),
    );
    return rows;
  }

  function lane(label, marks) {
    return draw("svg", { class: "ev-lane", role: "img", "aria-label": label }, ...marks);
  }

  function bar(name, span, at) {
    const [from, to] = [at(span[0]), at(span[1])];
    return draw("g", { class: `ev-bar ${name}` },
      titled(`${name} ${range(span)}`),
      draw("rect", { x: `${from}%`, width: `${Math.max(0, to - from)}%`, height: "100%" }),
      draw("line", { x1: `${from}%`, x2: `${from}%`, y1: 0, y2: "100%" }));
  }

  function tick(one, at) {
    const x = `${at(one.time)}%`;
    const [top, foot] = one.cited ? [0, "100%"] : ["25%", "75%"];
    return draw("line", { class: one.cited ? "ev-tick cited" : "ev-tick", x1: x, x2: x, y1: top, y2: foot },
      titled(`frame at ${clock(one.time, 2)}${one.cited ? ", cited" : ""}`));
  }

  function titled(text) {
    const title = draw("title");
    title.textContent = text;
    return title;
  }

  function axis(view) {
    const parts = [0, 0.5, 1].flatMap((share) => {
      const label = draw("text", {
        x: `${100 * share}%`, y: 19, "text-anchor": share === 0 ? "start" : share === 1 ? "end" : "middle",
      });
      label.textContent = clock(view.from + share * (view.to - view.from));
      return [draw("line", { x1: `${100 * share}%`, x2: `${100 * share}%`, y1: 0, y2: 5 }), label];
    });
    return draw("svg", { class: "ev-axis", "aria-hidden": "true" }, ...parts);
  }

  function costs(doc) {
    const { cost } = doc;
    return [
      ["planner steps", cost.steps], ["model calls", cost.calls], ["frames", cost.frames],
      ["tokens in", cost.prompt_tokens], ["tokens out", cost.completion_tokens],
      ["seconds", Number(cost.seconds).toFixed(1)],
      ...Object.entries(doc.models),
    ].map(([name, value]) => make("div", {},
      make("dt", {}, words(name)),
      make("dd", {}, words(typeof value === "number" ? value.toLocaleString("en") : value))));
  }

  function show(container, doc) {
    const view = document.getElementById("evidence-view").content.cloneNode(true);
    const part = (name) => view.querySelector(`[data-part="${name}"]`);
    const hide = (name) => { view.querySelector(`[data-section="${name}"]`).hidden = true; };
    const [kind, sentence] = verdict(doc);
    const pictured = doc.frames.filter((one) => PICTURE.test(one.picture ?? ""));
    part("tags").append(...tags(doc));
    part("question").textContent = doc.question;
    part("options").append(...doc.options.map(option));
    part("verdict").textContent = sentence;
    part("verdict").className = `ev-verdict ${kind}`;
    part("answer").append(...answer(doc));
    part("frame-note").textContent = frameNote(doc, pictured.length);
    part("frames").append(...pictured.sort((a, b) => a.time - b.time).map(frame));
    part("inspections").append(...doc.inspections.map(inspection));
    part("steps").append(...doc.steps.map(step));
    part("cost").append(...costs(doc));
    if (!part("answer").childElementCount) hide("answer");
    if (!doc.inspections.length) hide("inspections");
    if (!doc.steps.length) hide("steps");
    if (doc.timeline.duration > 0) timeline(doc, { zoom: part("zoom"), lanes: part("lanes") });
    else hide("timeline");
    container.replaceChildren(view);
  }

  return { show, clock };
})();
