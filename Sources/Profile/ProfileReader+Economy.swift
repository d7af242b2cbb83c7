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
    if let member = batch.take("urgent") { readUrgent(member.value, batch.path("urgent"), &spec) }
    batch.finish(&problems)
  }

  private mutating func readUrgent(
    _ node: ProfileNode, _ pointer: String, _ spec: inout UplinkSpec
  ) {
    guard case .array(let words) = node.value else {
      return error(node.offset, pointer, "expected an array of classes, found " + node.found)
    }
    spec.urgent = RecordClasses()
    let classes: [RecordClass] = [.state, .counter, .telemetry, .event, .note, .answer]
    for (index, word) in words.enumerated() {
      guard case .string(let bytes) = word.value,
        let found = classes.first(where: { Profile.bytes($0.word) == bytes })
      else {
        let place = pointer + "/" + text(Int64(wide: index))
        error(
          word.offset, place,
          "expected one of" + ObjectReader.list(classes.map { $0.word }) + ", found " + word.found)
        continue
      }
      spec.urgent.insert(found)
    }
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
