"""Golden event file for packages/trainer, written by TensorBoard's own protos and record writer.

Run: python tests/golden/tensorboard_events.py        writes packages/trainer/src/golden/events.json
     python tests/golden/tensorboard_events.py DIR    prints the scalars TensorBoard reads from DIR
Needs `pip install tensorboard` (written with 2.21).
"""

import base64
import io
import json
import os
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

if len(sys.argv) > 1:
    accumulator = EventAccumulator(sys.argv[1])
    accumulator.Reload()
    for tag in accumulator.Tags()["scalars"]:
        print(tag, [(e.step, e.value) for e in accumulator.Scalars(tag)])
else:
    wall = 1700000000.25
    out = io.BytesIO()
    writer = RecordWriter(out)
    value = [Summary.Value(tag="loss/total", simple_value=11.5), Summary.Value(tag="images", simple_value=0.1)]
    for event in [
        Event(wall_time=wall, step=0, file_version="brain.Event:2"),
        Event(wall_time=wall, step=300, session_log=SessionLog(status=SessionLog.START)),
        Event(wall_time=wall, step=300, summary=Summary(value=value)),
    ]:
        writer.write(event.SerializeToString())
    folder = os.path.join(os.path.dirname(__file__), "../../packages/trainer/src/golden")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "events.json"), "w") as f:
        json.dump({"wallTime": wall, "base64": base64.b64encode(out.getvalue()).decode()}, f, indent=1)
        f.write("\n")
