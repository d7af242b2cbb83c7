import Core
import Device
import JSON
import SimulatedBoard
import Uplink

/// The points of a profile.
extension ProfileReader {
  mutating func readPoints(_ root: inout ObjectReader, _ isWhole: Bool) {
    if isWhole && root.lacks("points") {
      error(
        root.offset, "",
        "\"points\" is missing: {\"points\": {\"door\": {\"kind\": \"input\", ...}}}")
    }
    guard let points = root.object("points", &problems) else { return }
    if isWhole && points.isEmpty {
      error(points.offset, "/points", "a device has at least one point")
    }
    for (index, entry) in points.entries.enumerated() {
      guard index < Self.pointsMax else {
        return error(entry.keyOffset, "/points", "a device has at most 256 points")
      }
      let pointer = "/points/" + pointerToken(entry.key)
      checkName(entry.key, entry.keyOffset, pointer, longest: 32)
      var object = ObjectReader(entry.value, pointer: pointer, &problems)
      readPoint(entry, &object)
      object.finish(&problems)
    }
  }

  private mutating func readPoint(_ entry: ProfileMember, _ object: inout ObjectReader) {
    let lacksKind = object.lacks("kind")
    let kinds: KeyValuePairs<StaticString, PointKind> = [
      "input": .input, "counter": .counter, "sensor": .sensor, "output": .output,
    ]
    guard let kind = object.word("kind", &problems, kinds) else {
      // Without a kind nothing can be said of the rest, except that one of them may be the kind.
      for member in object.entries {
        let isKind = lacksKind && Suggestion.nearest(to: member.key, among: ["kind"]) != nil
        if !isKind { _ = object.take(unchecked: member.key) }
      }
      if lacksKind && object.isEmpty {
        error(
          object.offset, object.pointer,
          "\"kind\" is missing: \"input\", \"counter\", \"sensor\" or \"output\"")
      }
      return
    }
    var point = PointSpec(name: configuration.intern(entry.key), kind: kind)
    _ = object.string("description", &problems)
    readKeep(&point.keep, &object)
    places.append((object.pointer, entry.keyOffset, object.offset))
    switch kind {
    case .input: readInput(&point, &object)
    case .counter: readCounter(&point, &object)
    case .sensor: readSensor(&point, &object)
    case .output: readOutput(&point, &object)
    }
    let simulation = readSimulation(point, &object) ?? Self.usualSimulation(point)
    let others =
      switch kind {
      case .input: "inputs have"
      case .counter: "counters have"
      case .sensor: "sensors have"
      case .output: "outputs have"
      }
    object.refuse(Self.namesOfKinds, of: others, &problems)
    configuration.points.append(point)
    configuration.simulations.append(simulation)
  }

  /// What belongs to points of some kinds, and not of others.
  private static var namesOfKinds: [StaticString] {
    [
      "line", "chip", "activeLow", "bias", "debounce", "event", "edge", "drive", "start", "stop",
      "lost",
      "thermal", "w1", "iio", "simulated", "every", "low", "high", "scale", "offset", "decimals",
      "unit",
    ]
  }

  // MARK: Kinds

  private mutating func readInput(_ point: inout PointSpec, _ object: inout ObjectReader) {
    readLine(&point.line, &object)
    readInputLine(&point.line, &object)
    if let event = object.bool("event", &problems) { point.report.event = event }
    readReport(&point.report, &object, hasDelta: false)
  }

  private mutating func readCounter(_ point: inout PointSpec, _ object: inout ObjectReader) {
    readLine(&point.line, &object)
    readInputLine(&point.line, &object)
    point.line.edge =
      object.word(
        "edge", &problems, ["rising": .rising, "falling": .falling, "both": Edge.both])
      ?? .rising
    point.report.minimum = .seconds(1)
    readScale(&point, &object)
    readUnit(&point, &object, measured: nil)
    readReport(&point.report, &object, hasDelta: true)
  }

  private mutating func readSensor(_ point: inout PointSpec, _ object: inout ObjectReader) {
    let channel = readSource(&point.sensor, &object)
    point.sensor.every =
      object.duration(
        "every", &problems, from: .milliseconds(10), to: .seconds(86_400), example: "10s")
      ?? .seconds(10)
    readScale(&point, &object)
    let measured = Unit.measured(point.sensor.source, channel: channel)
    let isRaw = point.scale == 1 && point.offset == 0
    readUnit(&point, &object, measured: isRaw ? measured : nil)
    if let low = object.number("low", &problems) { point.sensor.low = low }
    if let high = object.number("high", &problems) { point.sensor.high = high }
    if point.sensor.low >= point.sensor.high {
      error(object.offset, object.pointer, "low must be less than high")
    }
    point.report.minimum = point.sensor.every
    readReport(&point.report, &object, hasDelta: true)
  }

  private mutating func readOutput(_ point: inout PointSpec, _ object: inout ObjectReader) {
    readLine(&point.line, &object)
    point.line.drive =
      object.word(
        "drive", &problems,
        ["push-pull": .pushPull, "open-drain": .openDrain, "open-source": Drive.openSource])
      ?? .pushPull
    if let start = object.bool("start", &problems) { point.output.start = start }
    if object.contains("stop") {
      let stop: Bool?? = object.expect("stop", "true, false or \"keep\"", &problems) { node in
        switch node.value {
        case .bool(let value): .some(value)
        case .string(let word) where word == bytes("keep"): .some(nil)
        default: nil
        }
      }
      if let stop { point.output.stop = stop }
    }
    if var lost = object.object("lost", &problems) {
      for key: StaticString in ["after", "state"] where lost.lacks(key) {
        error(lost.offset, lost.pointer, "\"" + spelled(key) + "\" is missing")
      }
      point.output.lostAfter = lost.duration("after", &problems, example: "10m") ?? .zero
      point.output.lost = lost.bool("state", &problems)
      lost.finish(&problems)
    }
    readReport(&point.report, &object, hasDelta: false)
  }

  // MARK: Parts of points

  private mutating func readInputLine(_ line: inout LineSpec, _ object: inout ObjectReader) {
    line.debounce =
      object.duration("debounce", &problems, to: .seconds(60), example: "20ms") ?? .zero
  }

  private mutating func readScale(_ point: inout PointSpec, _ object: inout ObjectReader) {
    if let scale = object.number("scale", &problems, from: -1e12, to: 1e12) {
      point.scale = scale
      if scale == 0 {
        error(object.offset, object.pointer + "/scale", "a scale of 0 makes every value the same")
      }
    }
    if let offset = object.number("offset", &problems, from: -1e12, to: 1e12) {
      point.offset = offset
    }
    if let decimals = object.whole("decimals", &problems, from: 0, to: 9) {
      point.decimals = UInt8(truncatingIfNeeded: decimals)
    }
  }

  private mutating func readUnit(
    _ point: inout PointSpec, _ object: inout ObjectReader, measured: StaticString?
  ) {
    guard let unit = object.string("unit", &problems) else {
      if let measured { point.unit = configuration.intern(bytes(measured)) }
      return
    }
    let pointer = object.pointer + "/unit"
    let written = "\"" + String(decoding: unit.bytes, as: UTF8.self) + "\""
    guard unit.bytes.count <= 48, Unit.isKnown(unit.bytes) else {
      return error(
        unit.offset, pointer,
        "expected a unit's UCUM code such as \"Cel\" or \"{count}\", found " + written
          + Unit.suggestion(for: unit.bytes))
    }
    if let measured, unit.bytes != bytes(measured) {
      error(
        unit.offset, pointer,
        "this source measures in \"" + spelled(measured) + "\", found " + written
          + "; to convert, give scale and offset too")
    }
    point.unit = configuration.intern(unit.bytes)
  }

  private mutating func readKeep(_ keep: inout KeepSpec, _ object: inout ObjectReader) {
    guard var reader = object.object("keep", &problems) else { return }
    let classes: KeyValuePairs<StaticString, RecordClass> = [
      "telemetry": .telemetry, "event": .event, "counter": .counter, "state": .state,
    ]
    if let recordClass = reader.word("class", &problems, classes) {
      keep.recordClass = recordClass
    }
    let durabilities: KeyValuePairs<StaticString, Durability> = [
      "always": .always, "spill": .spill, "memory": .memory,
    ]
    if let durability = reader.word("durability", &problems, durabilities) {
      keep.durability = durability
      if durability == .always, configuration.uplink.journalBytes == 0 {
        error(
          reader.offset, reader.path("durability"),
          "\"always\" goes only with a journal: {\"journal\": {}, ...}")
      }
    }
    keep.expiry = reader.duration(
      "expire", &problems, from: .seconds(1), to: .seconds(366 * 86_400), example: "24h")
    let uplink = configuration.uplink
    if let expiry = keep.expiry, expiry <= uplink.batchEvery,
      !uplink.urgent.contains(keep.recordClass)
    {
      error(
        reader.offset, reader.path("expire"),
        "readings would expire while they wait for the next batch: expected more than every in uplink.batch"
      )
    }
    reader.finish(&problems)
  }

  private mutating func readReport(
    _ report: inout ReportSpec, _ object: inout ObjectReader, hasDelta: Bool
  ) {
    guard var reader = object.object("report", &problems) else {
      report.maximum = max(report.maximum, report.minimum)
      return
    }
    let day = Interval.seconds(86_400)
    report.minimum = reader.duration("min", &problems, to: day, example: "5s") ?? report.minimum
    // Only a longest interval that the profile names can be too short.
    report.maximum =
      reader.duration("max", &problems, to: day, example: "10m")
      ?? max(report.maximum, report.minimum)
    if hasDelta {
      report.delta =
        reader.number("delta", &problems, from: 0, "a number that is not below 0") ?? 0
    } else if reader.contains("delta") {
      _ = reader.take("delta")
      error(reader.offset, reader.path("delta"), "a line is on or off: delta has no meaning here")
    }
    if report.maximum == .zero {
      warn(
        reader.offset, reader.path("max"),
        "without a longest interval a point that no longer reports looks like one that does not "
          + "change")
    } else if report.minimum > report.maximum {
      error(reader.offset, reader.pointer, "min must not be longer than max")
    }
    reader.finish(&problems)
  }
}
