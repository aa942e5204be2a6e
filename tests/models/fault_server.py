"""A scriptable OpenAI-compatible server, run as a process of its own.

Every lane (`/<lane>/v1`) has its own script and its own record of requests. `POST /<lane>/script`
takes `{"replies": [...], "refuse_schema": bool}`; replies are used up in order and the last one
stays. `GET /<lane>/requests` returns what came. The server ends when its standard input closes.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
import sys
import threading
import time
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LANES: dict[str, dict] = defaultdict(lambda: {"replies": [], "refuse_schema": False, "seen": []})
LOCK = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    """One connection, one request."""

    def do_GET(self):
        lane = self.path.split("/")[1]
        if self.path.endswith("/models"):
            with LOCK:
                LANES[lane]["seen"].append({"path": self.path})
            known = {"id": "test-model", "max_model_len": 32768}
            self.send_json(200, {"data": [known, {"id": "other"}]})
            return
        with LOCK:
            self.send_json(200, LANES[lane]["seen"])

    def do_POST(self):
        arrived = time.monotonic()
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        lane, _, path = self.path[1:].partition("/")
        if path == "script":
            with LOCK:
                LANES[lane] = {"replies": [], "refuse_schema": False, "seen": [], **body}
            self.send_json(200, {})
            return
        with LOCK:
            state = LANES[lane]
            state["seen"].append(
                {
                    "path": path,
                    "body": body,
                    "headers": {k.lower(): v for k, v in self.headers.items()},
                    "time": arrived,
                }
            )
            reply = {"kind": "status", "status": 400, "message": "response_format is unknown"}
            if not (state["refuse_schema"] and "response_format" in body):
                reply = state["replies"][0]
                if len(state["replies"]) > 1:
                    state["replies"].pop(0)
        getattr(self, f"reply_{reply['kind']}")(reply, body)

    def reply_chat(self, reply, body):
        """A chat completion with text, or with tool calls."""
        message = {"role": "assistant", "content": reply.get("content", "")}
        if "tool_calls" in reply:
            message["tool_calls"] = [
                {"id": f"srv_{i}", "type": "function", "function": call}
                for i, call in enumerate(reply["tool_calls"])
            ]
        message |= reply.get("message", {})
        ended = reply.get("finish_reason", "stop")
        choices = [{"index": 0, "message": message, "finish_reason": ended}]
        self.send_json(200, completion(body, choices))

    def reply_empty_choices(self, reply, body):
        self.send_json(200, completion(body, reply.get("choices", [])))

    def reply_status(self, reply, body):
        """An error of the given status, with headers."""
        error = {"error": {"message": reply.get("message", "no"), "code": reply.get("error_code")}}
        self.send_json(reply["status"], error, reply.get("headers", {}))

    def reply_hang(self, reply, body):
        """Nothing for longer than any client of ours waits."""
        time.sleep(60)

    def reply_drip(self, reply, body):
        """One byte now and then: no single read ever times out."""
        self.start(200, {"Content-Type": "application/json", "Content-Length": "1000"})
        for _ in range(600):
            self.wfile.write(b" ")
            time.sleep(0.1)

    def reply_reset(self, reply, body):
        """The connection is reset in the middle of the body."""
        self.start(200, {"Content-Type": "application/json", "Content-Length": "1000"})
        self.wfile.write(b'{"choices": [')
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def reply_raw(self, reply, body):
        """Any bytes: truncated JSON, a web page."""
        data = reply["body"].encode()
        content_type = reply.get("content_type", "application/json")
        self.start(200, {"Content-Type": content_type, "Content-Length": str(len(data))})
        self.wfile.write(data)

    def reply_case(self, reply, body):
        """The first of the cases that holds, else a good reply."""
        count = len(LANES[self.path.split("/")[1]]["seen"])
        size = int(self.headers["Content-Length"])
        case = next((c for c in reply["cases"] if holds(c["when"], body, size, count)), None)
        when = case["when"] if case else {}
        if when.get("hang"):
            time.sleep(60)
        elif case and case["body"] is not None:
            text = case["body"] if isinstance(case["body"], str) else json.dumps(case["body"])
            data, kind = text.encode(), case.get("type", "application/json")
            start = {"Content-Type": kind, "Content-Length": str(len(data))}
            self.start(case["status"], {**start, **case.get("headers", {})})
            self.wfile.write(data)
        elif body.get("stream"):
            self.start(200, {"Content-Type": "text/event-stream"})
            piece = {"choices": [{"index": 0, "delta": {"content": "ready"}}]}
            self.wfile.write(f"data: {json.dumps(piece)}\n\ndata: [DONE]\n\n".encode())
        elif "input" in body:
            self.reply_embeddings({**reply, **when}, body)
        else:
            good = next(f for name, f in reply["good"].items() if name in (*body, "else"))
            self.send_json(200, {**completion(body, []), **good, **when.get("more", {})})

    def reply_embeddings(self, reply, body):
        """Vectors that tell the texts apart, with the faults that the reply names."""
        dimension = reply.get("dimension", 8)
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        vectors = [[len(text) + 1.0, *[3.0] * dimension][:dimension] for text in texts]
        if "value" in reply:
            vectors[0][0] = {"nan": float("nan"), "text": "x"}.get(reply["value"])
        if reply.get("zero"):
            vectors[0] = [0.0] * dimension
        if reply.get("ragged"):
            vectors[-1].append(1.0)
        vectors = vectors[: reply.get("count", len(vectors))]
        data = [{"object": "embedding", "index": i, "embedding": v} for i, v in enumerate(vectors)]
        if reply.get("reverse"):
            data.reverse()
        for item in data:
            if reply.get("vectors") == "base64":
                floats = struct.pack(f"<{len(item['embedding'])}f", *item["embedding"])
                item["embedding"] = base64.b64encode(floats).decode()
            if reply.get("vectors") == "no-index":
                del item["index"]
        if reply.get("same_index"):
            data[0]["index"] = 1
        usage = {"prompt_tokens": 5 * len(data), "total_tokens": 5 * len(data)}
        answer = {"object": "list", "model": body["model"], "data": data, "usage": usage}
        self.send_json(200, answer)

    def send_json(self, status, value, headers=None):
        data = json.dumps(value).encode()
        length = {"Content-Type": "application/json", "Content-Length": str(len(data))}
        self.start(status, {**length, **(headers or {})})
        self.wfile.write(data)

    def start(self, status, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format, *args):
        """Keep quiet."""


class Server(ThreadingHTTPServer):
    """Clients that hang up are part of the play."""

    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def holds(when, body, size, count):
    """Whether a case is met by a request of so many bytes, the so-manieth of its lane."""
    messages = body.get("messages", [])
    parts = [p for m in messages if isinstance(m["content"], list) for p in m["content"]]
    texts = [str(m["content"]) for m in messages] + list(body.get("input", []))
    images = sum(part["type"] == "image_url" for part in parts)
    tests = {
        "always": lambda _: True,
        "has": lambda name: name in body,
        "value": lambda pair: body.get(pair[0]) == pair[1],
        "role": lambda role: any(m["role"] == role for m in messages),
        "images_over": lambda most: images > most,
        "texts_over": lambda most: len(body.get("input", [])) > most,
        "chars_over": lambda most: max(map(len, texts), default=0) > most,
        "all_over": lambda most: sum(map(len, texts)) > most,
        "body_over": lambda most: size > most,
        "schema": lambda _: body.get("response_format", {}).get("type") == "json_schema",
        "list": lambda _: isinstance(body.get("input"), list),
        "strict": lambda _: any(t["function"].get("strict") for t in body.get("tools", [])),
        "first": lambda most: count <= most,
    }
    return all(tests[name](value) for name, value in when.items() if name in tests)


def completion(body, choices):
    """A chat completion around choices."""
    usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    return {"id": "c1", "object": "chat.completion", "created": 1, "model": body.get("model"),
            "choices": choices, "usage": usage}  # fmt: skip


def end_with_parent():
    """Leave when the process that started this one is gone."""
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=end_with_parent, daemon=True).start()
    print(server.server_address[1], flush=True)  # noqa: T201
    server.serve_forever()
