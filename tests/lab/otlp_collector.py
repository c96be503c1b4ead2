"""A collector that reads OTLP by OpenTelemetry's own Python classes, and keeps what it takes: one JSON object a data point, in a file.

    python otlp_collector.py PORT FILE [FAIL_EVERY]     FAIL_EVERY: of so many requests one is answered 503 and not kept

Needs opentelemetry-proto and protobuf (pip). It checks what a receiver may rely on: every field known, counts that add up, buckets that
fit their bounds."""
import gzip
import http.server
import json
import sys

from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as service
from opentelemetry.proto.metrics.v1 import metrics_pb2 as metrics

DELTA = metrics.AGGREGATION_TEMPORALITY_DELTA


def texts(attributes):
    """Attributes as a dictionary; all of them are texts."""
    assert all(held.value.WhichOneof("value") == "string_value" for held in attributes), attributes
    found = {held.key: held.value.string_value for held in attributes}
    assert len(found) == len(attributes), attributes
    return found


def points_of(metric):
    """The points of a metric, as what is common and what is its own."""
    kind = metric.WhichOneof("data")
    data = getattr(metric, kind)
    if kind != "gauge":
        assert data.aggregation_temporality == DELTA, metric
    assert data.data_points, metric
    for point in data.data_points:
        own = {"kind": kind}
        if kind == "exponential_histogram":
            assert point.count == point.zero_count + sum(point.positive.bucket_counts) and not point.negative.bucket_counts, point
            assert point.HasField("sum") and point.HasField("max"), point
            own.update(scale=point.scale, zeros=point.zero_count, offset=point.positive.offset, counts=list(point.positive.bucket_counts),
                       threshold=point.zero_threshold)
        elif kind == "histogram":
            assert point.count == sum(point.bucket_counts) and len(point.bucket_counts) == len(point.explicit_bounds) + 1, point
            own.update(counts=list(point.bucket_counts), bounds=list(point.explicit_bounds))
        elif kind == "sum":
            assert data.is_monotonic, metric
        if "histogram" in kind:
            own.update(count=point.count, sum=point.sum, max=point.max, min=point.min if point.HasField("min") else None)
        else:
            own.update(value=getattr(point, point.WhichOneof("value")))
        yield {"metric": metric.name, "unit": metric.unit, "attributes": texts(point.attributes), "start": point.start_time_unix_nano,
               "time": point.time_unix_nano, **own}


class Collector(http.server.BaseHTTPRequestHandler):
    """Takes POST /v1/metrics."""
    protocol_version = "HTTP/1.1"
    kept, fail_every, requests = None, 0, 0

    def do_POST(self):
        """One export."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Collector.requests += 1
        if self.path != "/v1/metrics" or self.headers["Content-Type"] != "application/x-protobuf":
            return self.answer(404, b"")
        if Collector.fail_every and Collector.requests % Collector.fail_every == 0:
            return self.answer(503, b"", [("Retry-After", "0")])
        if self.headers["Content-Encoding"] == "gzip":
            body = gzip.decompress(body)
        request = service.ExportMetricsServiceRequest.FromString(body)
        assert request.SerializeToString(deterministic=True) == service.ExportMetricsServiceRequest.FromString(body).SerializeToString(deterministic=True)
        lines = []
        for resource in request.resource_metrics:
            for scope in resource.scope_metrics:
                assert scope.scope.name == "spikeline" and scope.scope.version, scope.scope
                for metric in scope.metrics:
                    for point in points_of(metric):
                        point["resource"] = texts(resource.resource.attributes)
                        lines.append(json.dumps(point) + "\n")
        Collector.kept.write("".join(lines))
        Collector.kept.flush()
        return self.answer(200, service.ExportMetricsServiceResponse().SerializeToString())

    def answer(self, status, body, headers=()):
        """Say it."""
        self.send_response(status)
        for name, value in [*headers, ("Content-Type", "application/x-protobuf"), ("Content-Length", str(len(body)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    Collector.kept = open(sys.argv[2], "a")
    Collector.fail_every = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Collector).serve_forever()
