import Core
import Device
import Dialing
import JSON
import MQTT
import Uplink

/// What only the rim knows of the program that the agent is.
public struct ProcessFacts: BitwiseCopyable, Sendable {
  /// Bytes of memory that were taken at the start.
  public var memoryPlanned: Int
  /// KiB of memory that are in use now, libraries included; nil where the system does not say.
  public var memoryResidentKiB: Int?

  /// The facts.
  public init(memoryPlanned: Int, memoryResidentKiB: Int?) {
    self.memoryPlanned = memoryPlanned
    self.memoryResidentKiB = memoryResidentKiB
  }
}

/// All that the agent knows of itself, for who asks: an object of JSON whose first members are those of the
/// health report on the broker.
///
///     {"session":12,"t":"...","tq":"synced","uptime":4567,"queue":{...},"journal":{...},...,
///      "agentUptime":12.345,"version":"0.1.0","profile":"...","id":"...","base":"...","memory":{...},
///      "waiting":{"telemetry":3,...},"flash":{...},"link":{...},"losses":{...},
///      "points":[{"p":"door",...},...]}
///
/// Lengths of time are seconds, on the monotonic clock: they are right without a time of day.
extension DeviceAgent where Medium: ~Copyable {
  /// Appends the status. `StatusSize.bytesMax` is room for all of it; with less, but 4 KiB at the least, losses
  /// and points are left out, and `lossesMore` and `pointsMore` say of how many.
  public func appendStatus(
    _ process: ProcessFacts, at moment: Moment, to out: inout OutputSpan<UInt8>
  ) {
    let now = moment.instant
    health.append(at: moment, to: &out)
    out.append(seconds: now - startedAt, as: "agentUptime")
    appendIdentity(to: &out)
    out.append(literal: ",\"memory\":{\"planned\":")
    out.append(decimal: Int64(wide: process.memoryPlanned))
    if let resident = process.memoryResidentKiB { out.append(count: resident, as: "residentKiB") }
    out.append(literal: "},\"waiting\":{")
    appendWaiting(to: &out)
    out.append(literal: "}")
    if link.spec.flashPerDay > 0 {
      out.append(literal: ",\"flash\":{\"perDay\":")
      out.append(decimal: Int64(wide: link.spec.flashPerDay))
      out.append(count: link.flashUsed(at: now), as: "used")
      out.append(literal: "}")
    }
    appendLink(at: now, to: &out)
    _ = link.outbox.losses.append(of: points, from: 0, to: &out)
    appendPoints(at: moment, to: &out)
    out.append(literal: "}")
  }

  private func appendIdentity(to out: inout OutputSpan<UInt8>) {
    out.append(literal: ",\"version\":\"")
    out.append(literal: life.identity.version)
    out.append(literal: "\",\"profile\":\"")
    out.append(hex: life.profileHash)
    out.append(literal: "\",\"id\":")
    points.texts.withBytes(of: points.spec.id) { out.append(jsonString: $0) }
    out.append(literal: ",\"base\":")
    points.texts.withBytes(of: points.spec.base) { out.append(jsonString: $0) }
  }

  private func appendWaiting(to out: inout OutputSpan<UInt8>) {
    let census = link.outbox.census()
    for number in RecordClass.telemetry.rawValue...RecordClass.answer.rawValue {
      guard let recordClass = RecordClass(rawValue: number) else { continue }
      out.append(literal: number == RecordClass.telemetry.rawValue ? "\"" : ",\"")
      out.append(literal: recordClass.word)
      out.append(literal: "\":")
      out.append(digits: UInt64(wide: census[recordClass]), width: 1)
    }
  }

  // MARK: The link

  private func appendLink(at now: Instant, to out: inout OutputSpan<UInt8>) {
    let condition = link.condition
    out.append(literal: ",\"link\":{\"state\":\"")
    out.append(literal: condition.word)
    out.append(literal: "\"")
    if case .online(let since) = condition {
      out.append(seconds: now - since, as: "seconds")
    } else {
      out.append(seconds: now - (lostAt ?? startedAt), as: "seconds")
      append(attemptFault ?? (lostAt == nil ? nil : lostFault), as: "fault", to: &out)
      out.append(count: outage?.attempts(link) ?? 0, as: "attempts")
    }
    if case .waiting(let until) = condition { out.append(seconds: until - now, as: "nextAttempt") }
    out.append(literal: ",\"standing\":\"")
    out.append(literal: link.standing.word)
    out.append(literal: "\",\"protocol\":\"")
    out.append(literal: link.level.word)
    out.append(literal: "\"")
    if let lostAt {
      out.append(literal: ",\"lastLoss\":{")
      out.append(reason: lostFault, as: "reason")
      out.append(seconds: now - lostAt, as: "seconds")
      out.append(literal: "}")
    }
    appendBroker(to: &out)
    out.append(literal: "}")
  }

  private func append(
    _ fault: LinkFault?, as name: StaticString, to out: inout OutputSpan<UInt8>
  ) {
    guard let fault else { return }
    out.append(literal: ",")
    out.append(reason: fault, as: name)
    guard let words = fault.words else { return }
    out.append(literal: ",\"says\":\"")
    out.append(literal: words)
    out.append(literal: "\"")
  }

  /// The broker that is connected, or tried last: of the profile, or where that has sent us.
  private func appendBroker(to out: inout OutputSpan<UInt8>) {
    let endpoint = link.spec.dial.broker(link.broker)
    out.append(literal: ",\"broker\":{\"index\":")
    out.append(decimal: Int64(wide: link.broker))
    out.append(count: link.brokerCount, as: "of")
    out.append(literal: ",\"scheme\":\"")
    out.append(literal: endpoint.kind.scheme)
    out.append(literal: endpoint.kind.usesTLS ? "\",\"tls\":true" : "\",\"tls\":false")
    if endpoint.kind != .unix {
      out.append(literal: ",\"host\":")
      if let reference = link.reference {
        reference.host.withBytes { out.append(jsonString: $0) }
        let port = reference.port == 0 ? endpoint.kind.defaultPort : reference.port
        out.append(count: UInt32(port), as: "port")
      } else {
        points.texts.withBytes(of: endpoint.host) { out.append(jsonString: $0) }
        out.append(count: UInt32(endpoint.port), as: "port")
      }
    }
    if !endpoint.path.isEmpty {
      out.append(literal: ",\"path\":")
      points.texts.withBytes(of: endpoint.path) { path in
        out.append(jsonString: path.extracting(0..<path.countWithoutQuery))
      }
    }
    out.append(literal: "}")
  }

  // MARK: Points

  private func appendPoints(at moment: Moment, to out: inout OutputSpan<UInt8>) {
    out.append(literal: ",\"points\":[")
    var index = 0
    while index < points.pointCount, out.freeCapacity >= points.statusBytesMax(index) + 32 {
      if index > 0 { out.append(literal: ",") }
      points.append(point: index, at: moment, to: &out)
      index += 1
    }
    out.append(literal: "]")
    if index < points.pointCount { out.append(count: points.pointCount - index, as: "pointsMore") }
  }
}

extension OutputSpan<UInt8> {
  /// Appends `"name":"slug"`.
  @_lifetime(self: copy self)
  fileprivate mutating func append(reason fault: LinkFault, as name: StaticString) {
    append(literal: "\"")
    append(literal: name)
    append(literal: "\":\"")
    append(literal: fault.slug)
    append(literal: "\"")
  }
}

extension Span<UInt8> {
  /// How many bytes of a path stand before the question mark: behind it keys may be given along.
  fileprivate var countWithoutQuery: Int {
    for index in indices where self[index] == UInt8(ascii: "?") { return index }
    return count
  }
}
