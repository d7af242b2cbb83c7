import CLinux
import Core
import Linux
import Profile

/// `sandpiper init`: writes a profile for this board, from what it has, what the command line says, and the
/// answers to a few questions.
enum InitCommand {
  static func perform() -> Exit {
    let settings = InitSettings()
    guard settings.parse() else {
      Console.complain(words: InitSettings.usage)
      return .usage
    }
    let asks = settings.mayAsk && isatty(STDIN_FILENO) == 1
    // Before the first question: an answer is not to be in vain.
    var fault = asks && !settings.file.isEmpty ? obstacle(settings) : Words()
    guard fault.isEmpty else { return refuse(fault) }
    let board = BoardStock()
    let draft = ProfileDraft()
    guard draft.take(settings, board, &fault) else { return refuse(fault) }
    let interview = Interview(board: board)
    if asks, interview.canFindPoints(draft, settings), !interview.perform(draft, settings) {
      return end()
    }
    draft.complete(settings, board)
    guard draft.isGood() else { return .failure }
    fault = write(draft, settings)
    while !fault.isEmpty, asks {
      Console.complain(words: fault)
      guard Interview.askFile(settings) else { return end() }
      fault = write(draft, settings)
    }
    return fault.isEmpty ? .fine : refuse(fault)
  }

  private static func end() -> Exit { refuse("the answers ended: nothing is written") }

  private static func refuse(_ fault: Words) -> Exit {
    Console.complain(words: "sandpiper: \(fault)")
    return .failure
  }

  private static func path(_ settings: InitSettings) -> Words {
    settings.file.isEmpty ? defaultFile : settings.file
  }

  /// Why the profile can't be written there; empty where nothing is in the way.
  private static func obstacle(_ settings: InitSettings) -> Words {
    let path = path(settings)
    guard path.bytes != [UInt8(ascii: "-")] else { return Words() }
    if !settings.isForced, SystemText.isThere(path) {
      return
        "\(path) is there already: --force to write another in its place, -o to write elsewhere"
    }
    // The file appears by renaming: it is the folder that has to be writable.
    var folder: Words = "."
    if let slash = path.bytes.lastIndex(of: UInt8(ascii: "/")) {
      folder = Words([UInt8](path.bytes[...slash]))
    }
    guard let found = SystemText.survey(folder) else {
      return "\(path): \(SystemText.reason(ENOENT))"
    }
    return found.isWritable ? Words() : "\(path): \(SystemText.reason(EACCES))"
  }

  /// Writes the profile and says what is to be done; or why it can't be written.
  private static func write(_ draft: ProfileDraft, _ settings: InitSettings) -> Words {
    let text = draft.text
    let path = path(settings)
    if path.bytes == [UInt8(ascii: "-")] {
      Console.show(text)
      return Words()
    }
    let fault = obstacle(settings)
    guard fault.isEmpty else { return fault }
    do throws(SystemError) {
      try File.write(atomically: text.bytes.span, to: path.bytes.span)
    } catch {
      return "\(path): \(SystemText.reason(error.code))"
    }
    let count = draft.points.count
    Console.print(
      words:
        "\(path): written, with \(count) \(literal: count == 1 ? "point" : "points")")
    Console.print(
      words:
        "to do:  look through it: bias, activeLow, debounce and scale hang on what is wired")
    Console.print(words: "        sandpiper check \(path)")
    Console.print(words: "        sandpiper doctor \(path)")
    let starts: Words =
      path.bytes == serviceFile.bytes ? "sudo systemctl restart sandpiper" : "sandpiper run \(path)"
    Console.print(words: "        \(starts)")
    return Words()
  }

  private static var serviceFile: Words { "/etc/sandpiper/profile.json" }

  /// The service's profile where that may be written, else one in this folder.
  static var defaultFile: Words {
    SystemText.survey("/etc/sandpiper")?.isWritable == true ? serviceFile : "profile.json"
  }
}
