import Core
import Uplink

/// How often the device's radio wakes.
extension ProfileReader {
  mutating func readBatch(_ batch: inout ObjectReader, _ spec: inout UplinkSpec) {
    if let every = batch.duration(
      "every", &problems, from: .seconds(1), to: .seconds(86_400), example: "5m")
    {
      spec.batchEvery = every
    } else if batch.lacks("every") {
      error(batch.offset, batch.pointer, "\"every\" is missing: how often readings leave")
    }
    let classes: [RecordClass] = [.state, .counter, .telemetry, .event, .note, .answer]
    if let urgent = batch.wordIndices("urgent", &problems, classes.map { $0.word }, "classes") {
      spec.urgent = RecordClasses()
      for index in urgent { spec.urgent.insert(classes[index]) }
    }
    batch.finish(&problems)
  }

  /// The interval at which pings begin, where the longest one is to be found out.
  mutating func readProbe(_ broker: inout ObjectReader) {
    guard
      let from = broker.duration(
        "probe", &problems, from: .seconds(5), to: .seconds(65_535), example: "30s")
    else { return }
    configuration.uplink.probeFrom = from
    if from >= configuration.uplink.keepAlive {
      error(broker.offset, broker.path("probe"), "expected less than keepAlive, which it grows to")
    }
  }
}
