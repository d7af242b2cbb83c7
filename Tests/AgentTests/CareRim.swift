import Agent
import Core
import TestSupport

/// The rim's part of remote care, without keys and files: a signature is good when it is what `sign` makes.
struct CareRim {
  /// What the next `keep` comes to.
  var outcome = CareOutcome.kept
  /// What a confirmed trial is answered with; nil: it can't be kept.
  var confirmation: CareAnswer? = CareAnswer(7, .profile, .applied)
  /// What was kept, and the profiles that came with it.
  private(set) var orders: [CareOrder] = []
  private(set) var profiles: [String] = []
  /// What the log was to write.
  private(set) var levels: [CareLevel?] = []
  /// How many signatures were looked at, trials confirmed, answers forgotten.
  private(set) var verified = 0
  private(set) var confirmed = 0
  private(set) var forgotten: [UInt64] = []

  mutating func carryOut(
    _ action: CareAction, _ agent: inout DeviceAgent<MemoryStorage>, at moment: Moment
  ) {
    switch action {
    case .verify:
      verified += 1
      let isGood = agent.withSignedCare { message, signature in
        array(signature) == Self.sign(array(message))
      }
      agent.careVerified(isGood, at: moment)
    case .keep(let order):
      orders.append(order)
      if order.task == .profile {
        profiles.append(
          agent.withProposedProfile { String(decoding: array($0), as: UTF8.self) })
      }
      agent.careKept(outcome, at: moment)
    case .log(let level): levels.append(level)
    case .confirm:
      confirmed += 1
      agent.careConfirmed(confirmation, at: moment)
    case .forget(let number): forgotten.append(number)
    }
  }

  /// 64 bytes that depend on all of the message.
  static func sign(_ message: [UInt8]) -> [UInt8] {
    let hash = message.span.fnv1a
    return (0..<64).map { UInt8(truncatingIfNeeded: hash >> UInt64($0 % 8 * 8)) }
  }

  /// A request as it is sent, signed for `<base>/<id>`.
  static func message(_ body: String, to device: String = "sandpiper/dev") -> String {
    let signature = sign(utf8("sandpiper-care-v1\n\(device)\n\(body)"))
    let text = [UInt8](capacity: 88) { out in out.append(base64: signature.span) }
    return String(decoding: text, as: UTF8.self) + "\n" + body
  }
}

extension CareStart {
  /// A device that was cared for before.
  static var withRecord: CareStart {
    var start = CareStart()
    start.hasRecord = true
    return start
  }
}

extension World {
  /// Somebody asks for something, well signed.
  func ask(_ body: String) { publish("care", CareRim.message(body)) }

  /// What was answered, without the number.
  var careAnswers: [String] {
    payloads("care/result").map { answer in
      answer.replacing(#/^\{"n":(null|[0-9]+)(,|\})/#, with: "")
        .replacing(#/,"status":\{.*\}$/#, with: "}")
    }
  }

  /// Why the agent stops, if it does.
  var stopReason: StopReason? { agent.stopReason }

  /// Why a profile on trial was given up.
  var careFault: String {
    agent.careFault.withBytes { String(decoding: array($0), as: UTF8.self) }
  }

  /// Why requests were passed over, as the log has it.
  var careRefusals: [String] {
    notices.compactMap { notice in
      if case .careRefused(let reason, _) = notice { "\(reason)" } else { nil }
    }
  }
}

/// The profile's section, for a key that nobody has.
func careful(_ allow: String = #""status", "log", "restart", "profile""#, more: String = "")
  -> String
{
  profile(Point.door + "," + Point.air).replacing(
    "\"points\":",
    with: """
      "care": {"keys": ["AtUQSxK1I8ilGLS5G4NPip1D3MWuFVziUwjYMO/wS/w="], "allow": [\(allow)]\(more)},
      "points":
      """)
}
