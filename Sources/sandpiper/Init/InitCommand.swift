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
    let board = BoardStock()
    let draft = ProfileDraft()
    var fault = Words()
    guard draft.take(settings, board, &fault) else { return refuse(fault) }
    if settings.mayAsk, isatty(STDIN_FILENO) == 1 {
      guard Interview(board: board).perform(draft, settings) else {
        Console.complain(words: "sandpiper: the answers ended: nothing is written")
        return .failure
      }
    }
    draft.complete(settings, board)
    guard draft.isGood() else { return .failure }
    return write(draft, settings)
  }

  private static func refuse(_ fault: Words) -> Exit {
    Console.complain(words: "sandpiper: \(fault)")
    return .failure
  }

  private static func write(_ draft: ProfileDraft, _ settings: InitSettings) -> Exit {
    let text = draft.text
    if settings.file.bytes == [UInt8(ascii: "-")] {
      Console.show(text)
      return .fine
    }
    let path = settings.file.isEmpty ? defaultFile : settings.file
    if !settings.isForced, SystemText.isThere(path) {
      return refuse(
        "\(path) is there already: --force to write another in its place, -o to write elsewhere")
    }
    do throws(SystemError) {
      try File.write(atomically: text.bytes.span, to: path.bytes.span)
    } catch {
      return refuse("\(path): \(SystemText.reason(error.code))")
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
    return .fine
  }

  private static var serviceFile: Words { "/etc/sandpiper/profile.json" }

  /// The service's profile where that may be written, else one in this folder.
  static var defaultFile: Words {
    SystemText.survey("/etc/sandpiper")?.isWritable == true ? serviceFile : "profile.json"
  }
}
