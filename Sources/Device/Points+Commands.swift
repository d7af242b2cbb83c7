import Core
import Uplink

/// Carrying out commands, and answering them.
extension Points {
  /// The index of the point `name`, or nil.
  public func index(named name: Span<UInt8>) -> Int? {
    for index in 0..<points.count {
      if texts.withBytes(of: points[index].name, { $0.equals(name) }) { return index }
    }
    return nil
  }

  /// True when the point is one that is driven.
  public func isOutput(_ point: Int) -> Bool { points[point].kind == .output }

  /// True while a line must be driven before the next command may be looked at.
  public var isDriving: Bool {
    if openCommand != nil { return true }
    for index in 0..<points.count where states[index].mustDrive { return true }
    return false
  }

  /// Carries a command out: its output is to be driven, and the result follows once it was. Returns
  /// why not, if not; the answer is in the outbox then, unless that is full of answers.
  public mutating func carryOut(
    _ command: Command, at moment: Moment, brokerKeepsCommands: Bool, outbox: inout Outbox
  ) -> CommandRefusal? {
    guard !outbox.isFullOfAnswers else {
      outbox.losses.refusedAnswer()
      return .busy
    }
    var refusal = command.refusal
    if refusal == .none {
      refusal = age(of: command, at: moment, brokerKeepsCommands: brokerKeepsCommands)
    }
    guard refusal == .none, let point = command.point else {
      answer(command, .refused, refusal, level: false, at: moment, &outbox)
      return refusal
    }
    want(point, command.level)
    openCommand = command
    return nil
  }

  /// Refuses a command that may be somebody's wish of long ago. A broker that keeps commands for us
  /// delivers them at any time, so there each has to say when it was given and how long it holds.
  private func age(
    of command: Command, at moment: Moment, brokerKeepsCommands: Bool
  ) -> CommandRefusal {
    guard let ageMax = command.ageMax, let issued = command.issued else {
      return brokerKeepsCommands ? .ageUnknown : .none
    }
    guard moment.quality != .none else { return .ageUnknown }
    // In milliseconds: an `Interval` does not hold the ten thousand years that a sender may write.
    let age = moment.wall.milliseconds - issued.milliseconds
    if age > ageMax.milliseconds { return .tooOld }
    // From the future: one of the two clocks is wrong, by more than the command may be old.
    return age < -ageMax.milliseconds ? .ageUnknown : .none
  }

  /// The output of the open command was driven, or not: answers it.
  mutating func settleCommand(
    point: Int, readBack: Bool?, at moment: Moment, outbox: inout Outbox
  ) {
    guard let command = openCommand, command.point == point else { return }
    openCommand = nil
    let isDone = readBack == command.level
    if isDone, let duration = command.duration {
      states[point].revertAt = moment.instant + duration
    }
    answer(
      command, isDone ? .done : .failed, .none, level: readBack ?? false, at: moment, &outbox)
  }

  private mutating func answer(
    _ command: Command, _ outcome: CommandOutcome, _ refusal: CommandRefusal, level: Bool,
    at moment: Moment, _ outbox: inout Outbox
  ) {
    let size = ResultRecord.size(id: command.id, name: command.name)
    append(RecordLabel(.answer), bodyBytes: size, to: &outbox) { out in
      ResultRecord.encode(
        outcome, refusal, level: level, at: moment.instant, id: command.id, name: command.name,
        into: &out)
    }
  }
}
