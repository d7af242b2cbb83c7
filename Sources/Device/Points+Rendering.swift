import Core
import JSON
import Uplink

/// What the records of the outbox look like on the broker; the README has the whole of it.
///
///     <base>/<id>/state/<point>   {"v":21.4,"u":"Cel","t":"...","tq":"synced","q":"good","seq":7}
///     <base>/<id>/event/<point>   {"v":true,"t":"...","tq":"synced","q":"good","seq":3}
///     <base>/<id>/history         {"historical":true,"readings":[{"p":"door","v":true,...},...]}
///     <base>/<id>/outage          {"reason":"half-open","t":"...","tq":"synced","seconds":61.2,...}
///     <base>/<id>/result          {"id":"42","point":"pump","result":"done","v":true,"t":...}
extension Points: MessageRenderer {
  /// Name and unit of up to 32 and 48 bytes, escaped at worst to six bytes each, and the numbers.
  public var packItemBytesMax: Int { 640 }

  /// Writes `<base>/<id>/`.
  public func appendTopicPrefix(to topic: inout OutputSpan<UInt8>) {
    append(spec.base, to: &topic)
    topic.append(UInt8(ascii: "/"))
    append(spec.id, to: &topic)
    topic.append(UInt8(ascii: "/"))
  }

  /// How many bytes of `topic` are `<base>/<id>/`, or nil when it begins otherwise.
  public func topicPrefixCount(in topic: Span<UInt8>) -> Int? {
    let baseCount = Int(spec.base.count)
    let end = baseCount + 1 + Int(spec.id.count)
    let slash = UInt8(ascii: "/")
    guard topic.count > end, topic[baseCount] == slash, topic[end] == slash,
      texts.withBytes(of: spec.base, { $0.equals(topic.extracting(0..<baseCount)) }),
      texts.withBytes(of: spec.id, { $0.equals(topic.extracting(baseCount + 1..<end)) })
    else { return nil }
    return end + 1
  }

  /// See `MessageRenderer`.
  public func render(
    _ record: Span<UInt8>, at moment: Moment, topic: inout OutputSpan<UInt8>,
    payload: inout OutputSpan<UInt8>
  ) -> Bool {
    appendTopicPrefix(to: &topic)
    guard let reading = ReadingRecord(record) else {
      if OutageReport.isOne(record) {
        topic.append(literal: "outage")
        OutageReport.render(record, at: moment, payload: &payload)
        return false
      }
      topic.append(literal: "result")
      ResultRecord.render(record, at: moment, payload: &payload)
      return false
    }
    topic.append(literal: reading.kind == .event ? "event/" : "state/")
    append(points[reading.point].name, to: &topic)
    payload.append(UInt8(ascii: "{"))
    append(reading, at: moment, to: &payload)
    payload.append(UInt8(ascii: "}"))
    return reading.kind == .state
  }

  /// See `MessageRenderer`.
  public func isPackable(_ record: Span<UInt8>) -> Bool { ReadingRecord(record) != nil }

  /// See `MessageRenderer`.
  public func beginPack(topic: inout OutputSpan<UInt8>, payload: inout OutputSpan<UInt8>) {
    appendTopicPrefix(to: &topic)
    topic.append(literal: "history")
    payload.append(literal: "{\"historical\":true,\"readings\":[")
  }

  /// See `MessageRenderer`.
  public func appendToPack(
    _ record: Span<UInt8>, isFirst: Bool, at moment: Moment, payload: inout OutputSpan<UInt8>
  ) {
    guard let reading = ReadingRecord(record) else { return }
    if !isFirst { payload.append(UInt8(ascii: ",")) }
    payload.append(literal: "{\"p\":")
    texts.withBytes(of: points[reading.point].name) { name in payload.append(jsonString: name) }
    payload.append(literal: reading.kind == .event ? ",\"k\":\"event\"," : ",")
    append(reading, at: moment, to: &payload)
    payload.append(UInt8(ascii: "}"))
  }

  /// See `MessageRenderer`. A reading of an earlier run says which: sequence numbers begin anew with
  /// each run. One of a point that the profile does not have any more keeps its name.
  public func appendJournaledToPack(
    _ record: Span<UInt8>, of run: RunStamp, isFirst: Bool, at moment: Moment,
    payload: inout OutputSpan<UInt8>
  ) {
    guard let reading = Self.readingJournaled(record) else { return }
    let name = Self.nameJournaled(record)
    if !isFirst { payload.append(UInt8(ascii: ",")) }
    payload.append(literal: "{\"p\":")
    payload.append(jsonString: name)
    payload.append(literal: reading.kind == .event ? ",\"k\":\"event\"," : ",")
    if !run.isPresentRun {
      payload.append(literal: "\"run\":")
      payload.append(digits: UInt64(wide: run.run), width: 1)
      payload.append(UInt8(ascii: ","))
    }
    var point = PointSpec(name: .empty, kind: .sensor)
    if let index = index(named: name) { point = points[index] }
    append(
      reading, of: point, at: run.moment(of: reading.instant, now: moment), to: &payload)
    payload.append(UInt8(ascii: "}"))
  }

  /// See `MessageRenderer`.
  public func renderJournaled(
    _ record: Span<UInt8>, of run: RunStamp, at moment: Moment, topic: inout OutputSpan<UInt8>,
    payload: inout OutputSpan<UInt8>
  ) {
    appendTopicPrefix(to: &topic)
    topic.append(literal: "outage")
    // What this version does not know is an empty message, and not another's.
    guard OutageReport.isOne(record) else { return }
    let clocks = run.moment(of: OutageReport.found(in: record), now: moment)
    OutageReport.render(record, at: clocks, payload: &payload)
  }

  /// See `MessageRenderer`.
  public func endPack(payload: inout OutputSpan<UInt8>) { payload.append(literal: "]}") }

  /// The members that live and historical readings share.
  private func append(
    _ reading: ReadingRecord, at moment: Moment, to payload: inout OutputSpan<UInt8>
  ) {
    append(reading, of: points[reading.point], at: moment, to: &payload)
  }

  func append(
    _ reading: ReadingRecord, of point: PointSpec, at moment: Moment,
    to payload: inout OutputSpan<UInt8>
  ) {
    payload.append(literal: "\"v\":")
    append(reading.value, of: reading, point, to: &payload)
    if reading.count > 1 {
      payload.append(literal: ",\"min\":")
      append(reading.minimum, of: reading, point, to: &payload)
      payload.append(literal: ",\"max\":")
      append(reading.maximum, of: reading, point, to: &payload)
      payload.append(literal: ",\"n\":")
      payload.append(digits: UInt64(wide: reading.count), width: 1)
      payload.append(literal: ",\"span\":")
      payload.append(fixed: seconds(reading.instant - reading.since), decimals: 3)
    }
    if !point.unit.isEmpty {
      payload.append(literal: ",\"u\":")
      texts.withBytes(of: point.unit) { unit in payload.append(jsonString: unit) }
    }
    payload.append(timeOf: reading.instant, at: moment)
    if reading.quality == .good {
      payload.append(literal: ",\"q\":\"good\"")
    } else {
      payload.append(literal: ",\"q\":\"bad\",\"why\":\"")
      payload.append(literal: reading.quality.reason)
      payload.append(UInt8(ascii: "\""))
    }
    payload.append(literal: ",\"seq\":")
    payload.append(digits: UInt64(wide: reading.sequence), width: 1)
  }

  private func append(
    _ value: Double, of reading: ReadingRecord, _ point: PointSpec,
    to payload: inout OutputSpan<UInt8>
  ) {
    switch (reading.quality, point.kind) {
    case (.missing, _), (.timedOut, _), (.unreadable, _): payload.append(literal: "null")
    // The mean of a line is the share of its readings that were on.
    case (_, .input) where reading.count > 1, (_, .output) where reading.count > 1:
      payload.append(fixed: value, decimals: 3)
    case (_, .input), (_, .output): payload.append(literal: value == 0 ? "false" : "true")
    case (_, .counter), (_, .sensor): payload.append(fixed: value, decimals: Int(point.decimals))
    }
  }

  /// As seconds. (From `Int`: on a 32-bit CPU other conversions to a Double need the heap.)
  private func seconds(_ interval: Interval) -> Double {
    let (whole, rest) = (interval.milliseconds / 1000, interval.milliseconds % 1000)
    return Double(Int(narrow: whole)) + Double(Int(narrow: rest)) / 1000
  }

  func append(_ text: Text, to out: inout OutputSpan<UInt8>) {
    texts.withBytes(of: text) { bytes in out.append(contentsOf: bytes) }
  }
}

extension OutputSpan<UInt8> {
  /// Appends `,"t":...,"tq":...`: when `instant` was, as far as is known at `moment`. Without a
  /// clock that was ever set there is no time of day, and `t` is null.
  @_lifetime(self: copy self)
  public mutating func append(timeOf instant: Instant, at moment: Moment) {
    append(literal: ",\"t\":")
    if moment.quality == .none {
      append(literal: "null,\"tq\":\"none\"")
      return
    }
    append(UInt8(ascii: "\""))
    append(timestamp: moment.wall(at: instant))
    append(literal: moment.quality == .synced ? "\",\"tq\":\"synced\"" : "\",\"tq\":\"estimated\"")
  }
}
