import CLinux
import Core
import LinuxBoard

/// The questions, for a person at a terminal. They and what is said of them go to standard error, so that the
/// profile may go to standard output.
struct Interview {
  let board: BoardStock

  /// True when there is a point, or something that can become one.
  func canFindPoints(_ draft: ProfileDraft, _ settings: InitSettings) -> Bool {
    !draft.points.isEmpty || board.hasChip || !board.sensors.isEmpty && !settings.hasNoSensors
  }

  /// Asks for what the command line has not said; false when the answers end.
  func perform(_ draft: ProfileDraft, _ settings: InitSettings) -> Bool {
    Self.say("An empty answer takes what stands in brackets. Ctrl-C ends without writing anything.")
    guard askNames(draft) else { return false }
    repeat {
      guard askLines(draft), askSensors(draft, settings) else { return false }
      if draft.points.isEmpty { Self.say("A device has at least one point: once more.") }
    } while draft.points.isEmpty
    if !settings.hasNoJournal {
      guard
        let keeps = askYes(
          "Keep readings on flash while there is no connection, so that a power cut loses few")
      else { return false }
      draft.hasJournal = keeps
    }
    return !settings.file.isEmpty || Self.askFile(settings)
  }

  /// Asks where to; false when the answers end.
  static func askFile(_ settings: InitSettings) -> Bool {
    let usual = InitCommand.defaultFile
    guard let file = ask("Write the profile to [\(usual)]") else { return false }
    settings.file = file.isEmpty ? usual : file
    return true
  }

  private func askNames(_ draft: ProfileDraft) -> Bool {
    guard
      ask(
        .id, "The device's name, of letters, digits, _ and - [\(ProfileDraft.usualID)]", draft,
        { $0.id = $1 }),
      ask(.base, "Its topics begin with [sandpiper]", draft, { $0.base = $1 }),
      ask(
        .broker,
        "The broker, as mqtt://[user@]host[:port], mqtts://... [\(ProfileDraft.usualBroker)]",
        draft,
        { $0.broker = $1 })
    else { return false }
    if draft.user.isEmpty, !draft.broker.bytes.contains(UInt8(ascii: "@")) {
      guard ask(.user, "The user to log in as [none]", draft, { $0.user = $1 }) else {
        return false
      }
    }
    guard !draft.user.isEmpty || draft.broker.bytes.contains(UInt8(ascii: "@")) else { return true }
    return ask(
      .passwordFile, "The file with the password in its first line [none]", draft,
      { $0.passwordFile = $1 })
  }

  /// Asks until the answer will do; not at all for what is said already.
  private func ask(
    _ value: ProfileDraft.Value, _ question: Words, _ draft: ProfileDraft,
    _ set: (ProfileDraft, Words) -> Void
  ) -> Bool {
    guard draft.text(of: value).isEmpty else { return true }
    while let answer = Self.ask(question) {
      set(draft, answer)
      guard !answer.isEmpty else { return true }
      let fault = draft.fault(of: value)
      guard !fault.isEmpty else { return true }
      Self.say(fault)
      set(draft, Words())
    }
    return false
  }

  // MARK: Lines

  private func askLines(_ draft: ProfileDraft) -> Bool {
    guard board.hasChip else {
      Self.say("No lines: \(board.lackOfLines).")
      return true
    }
    var names = Words()
    for line in board.free { names.append(" \(line.name)") }
    Self.say(
      names.isEmpty
        ? "No free line has a name of its own; one can be named as CHIP:OFFSET (sandpiper lines)."
        : "Free lines:\(names)")
    while true {
      guard let answer = Self.ask("A line, as \"input door=GPIO17\", output or counter [no more]")
      else {
        return false
      }
      guard !answer.isEmpty else { return true }
      var fault: Words = "expected input, output or counter, and NAME=LINE"
      let words = answer.bytes.split(separator: UInt8(ascii: " "))
      let kinds: [InitSettings.Kind] = [.input, .output, .counter]
      if words.count == 2,
        let kind = kinds.first(where: {
          words[0].elementsEqual(Words(stringLiteral: $0.word).bytes)
        })
      {
        let wanted = InitSettings.Wanted(kind: kind, text: Words([UInt8](words[1])))
        if draft.add(wanted, board, &fault) { continue }
      }
      Self.say(fault)
    }
  }

  // MARK: Sensors

  private func askSensors(_ draft: ProfileDraft, _ settings: InitSettings) -> Bool {
    guard !settings.hasNoSensors, !settings.points.contains(where: { $0.kind == .sensor }) else {
      return true
    }
    if board.sensors.isEmpty { Self.say("No sensors: the kernel shows none.") }
    for sensor in board.sensors {
      var question: Words = "Read the sensor \(BoardStock.text(sensor.description))"
      if let value = sensor.value {
        question.append(", now \(StatusScreen.decimal(value)) \(literal: sensor.description.unit)")
      } else {
        question.append(
          "\(literal: sensor.isHanging ? ", which does not answer" : ", which can't be read now")")
      }
      guard let isWanted = askYes(question) else { return false }
      if isWanted { draft.add(sensor.description) }
    }
    return true
  }

  // MARK: The terminal

  private func askYes(_ question: Words) -> Bool? {
    while let answer = Self.ask("\(question)? [yes]") {
      let word = answer.bytes.map { $0 | 0x20 }
      if answer.isEmpty || Words("yes").bytes.starts(with: word) { return true }
      if Words("no").bytes.starts(with: word) { return false }
      Self.say("yes or no")
    }
    return nil
  }

  /// What a person answers, without spaces at the ends; nil when nothing more comes.
  private static func ask(_ question: Words) -> Words? {
    Console.prompt("\(question): ")
    var line: [UInt8] = []
    while line.count < 4096 {
      var byte: UInt8 = 0
      // Sound: one byte is read into one.
      let count = unsafe CLinux.read(STDIN_FILENO, &byte, 1)
      if count < 0 && clinux_errno() == EINTR { continue }
      guard count == 1 else { return nil }
      if byte == UInt8(ascii: "\n") { break }
      line.append(byte)
    }
    let space = UInt8(ascii: " ")
    while let last = line.last, last <= space { line.removeLast() }
    return Words([UInt8](line.drop { $0 <= space }))
  }

  private static func say(_ text: Words) { Console.complain(words: text) }
}
