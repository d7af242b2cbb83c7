import Core
import Device
import TestSupport

extension DeviceBench {
  /// Carries a command out, drives what there is to drive, and takes its answer in short: `done on`,
  /// `refused too-old`. What else was said is gone.
  func command(
    _ payload: String, to name: String? = nil, isRetained: Bool = false,
    brokerKeepsCommands: Bool = false
  ) -> String? {
    let answer = answer(
      utf8(payload), to: name, isRetained: isRetained, brokerKeepsCommands: brokerKeepsCommands)
    guard let members = answer?.members, let result = members.result else { return nil }
    if let reason = members.reason { return "\(result) \(reason)" }
    return "\(result) \(members.v == .bool(true) ? "on" : "off")"
  }

  /// Carries a command out, and takes the message that answers it. The first point is meant when
  /// no name is given.
  func answer(
    _ payload: [UInt8], to name: String? = nil, isRetained: Bool = false,
    brokerKeepsCommands: Bool = false
  ) -> Message? {
    drive()
    let topic = utf8(name ?? names[0])
    let command = Command(
      name: topic.span, payload: payload.span, isRetained: isRetained, points: points)
    let refusal = points.carryOut(
      command, at: moment, brokerKeepsCommands: brokerKeepsCommands, outbox: &outbox)
    precondition(refusal != nil || isDriving, "what is not refused is carried out")
    drive()
    return messages().last { $0.topic == "base/dev/result" }
  }
}
