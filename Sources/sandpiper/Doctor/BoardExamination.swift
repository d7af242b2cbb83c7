import CLinux
import Core
import Device
import Linux
import LinuxBoard
import Profile

/// GPIO chips, who may use them, and the profile's lines. Requests no line.
struct BoardExamination {
  private let configuration: Configuration?
  private let points: [PointSpec]
  private var chipCount = 0
  private var deniedCount = 0
  /// The chip that is being listed, and its lines that are in use.
  private var chip = Words()
  private var users = Words()

  /// How the agent's own requests are named.
  private static let ownConsumer: StaticString = "sandpiper"

  static func perform(_ configuration: Configuration?, _ report: inout Report) {
    var examination = BoardExamination(configuration)
    examination.lookAtChips(&report)
    examination.lookAtKernel(&report)
    examination.lookAtLines(&report)
  }

  private init(_ configuration: Configuration?) {
    self.configuration = configuration
    points = (configuration?.points ?? []).filter { $0.kind != .sensor }
  }

  // MARK: Chips

  private mutating func lookAtChips(_ report: inout Report) {
    var denied: [(device: FixedText<32>, code: Int32)] = []
    Inventory.forEachLine(
      chip: { found in
        endChip(&report)
        chipCount += 1
        chip =
          "chip \"\(Words(found.label))\" (\(Words(found.name)) today), \(found.lineCount) lines"
      },
      line: { line in note(line) },
      failed: { device, error in denied.append((device, error.code)) })
    endChip(&report)
    for (device, code) in denied { refused(Words(device), code, &report) }
    guard chipCount + deniedCount == 0 else { return }
    let text: Words = "this board has no GPIO chip (/dev/gpiochip*)"
    if !points.isEmpty {
      report.broken(
        .board, "\(text), and the profile has lines",
        fix:
          "load the chip's driver (see `dmesg | grep -i gpio`), or take the points with lines out")
    } else if configuration == nil {
      report.worthKnowing(
        .board, text, fix: "nothing, where only sensors are to be read; else load its driver")
    } else {
      report.fine(.board, "\(text), and the profile needs none")
    }
  }

  private mutating func note(_ line: LineDescription) {
    guard line.isUsed else { return }
    users.append(users.isEmpty ? "; in use: " : ", ")
    users.append(line.name.isEmpty ? "\(line.offset)" : Words(line.name))
    users.append(line.consumer.isEmpty ? " by the kernel" : " by \"\(Words(line.consumer))\"")
  }

  private mutating func endChip(_ report: inout Report) {
    if !chip.isEmpty { report.fine(.board, "\(chip)\(users)") }
    (chip, users) = (Words(), Words())
  }

  private mutating func refused(_ device: Words, _ code: Int32, _ report: inout Report) {
    deniedCount += 1
    var text: Words = "\(device) may not be opened: "
    var fix: Words = "see `dmesg | grep -i gpio`: its driver may have gone"
    if code == EACCES || code == EPERM, let survey = SystemText.survey(device) {
      let user = SystemText.user
      let group = SystemText.group(survey.group)
      text.append("user \(user) is not allowed to; it is of group \(group), mode ")
      text.append(Self.octal(survey.mode))
      fix = Self.remedy(device, user, group, survey)
    } else {
      text.append(SystemText.reason(code))
    }
    report.add(
      Finding(
        level: points.isEmpty ? .worthKnowing : .broken, area: .board, text: text, fix: fix))
  }

  /// What lets `user` open the device.
  private static func remedy(
    _ device: Words, _ user: Words, _ group: Words, _ survey: FileSurvey
  ) -> Words {
    guard survey.group == 0 || survey.mode & 0o060 != 0o060 else {
      return SystemText.isMember(user, of: group)
        ? "\(user) is in the group, but was not when this session began: log in anew, restart the service"
        : "sudo usermod -aG \(group) \(user), then log in anew; in a unit: SupplementaryGroups=\(group)"
    }
    return """
      sudo groupadd -f gpio; sudo chgrp gpio \(device); sudo chmod 660 \(device); sudo usermod -aG gpio \
      \(user), then log in anew; for the next boots, in /etc/udev/rules.d/60-gpio.rules: \
      SUBSYSTEM=="gpio", GROUP="gpio", MODE="0660"
      """
  }

  private static func octal(_ mode: UInt32) -> Words {
    "\(Int64(mode >> 6 & 7))\(Int64(mode >> 3 & 7))\(Int64(mode & 7))"
  }

  // MARK: The kernel

  private func lookAtKernel(_ report: inout Report) {
    guard let interface = GPIOBoard.kernelInterface else { return }
    let library = GPIOBoard.libraryVersion
    let release = SystemText.line(of: "/proc/sys/kernel/osrelease")
    let debouncer: Words = GPIOBoard.debouncesInKernel ? "the kernel" : "the agent"
    let text: Words = """
      GPIO interface \(interface) of Linux \(release), with libgpiod \(library): \(debouncer) debounces, \
      edges have the time of 
      """
    if library == 2 && interface == 1 {
      report.broken(
        .board, "\(text)nothing, for there are none",
        fix: "take a kernel from 5.10 on, or a build for libgpiod 1.6")
    } else if library == 1 && Self.isBefore57(release) {
      report.worthKnowing(
        .board, "\(text)the wall clock: they are wrong when it steps",
        fix: "take a kernel from 5.7 on")
    } else if library == 1 && points.contains(where: { $0.line.debounce > .zero }) {
      report.worthKnowing(
        .board, "\(text)the event clock; both edges of each bounce wake the agent",
        fix: "on a system with libgpiod 2 (Debian 13) take the build for it")
    } else {
      report.fine(.board, "\(text)the event clock")
    }
  }

  /// Before 5.7 the times of edges are of the wall clock in the first interface.
  private static func isBefore57(_ release: Words) -> Bool {
    let (major, minor) = (number(0, release), number(1, release))
    return major < 5 || major == 5 && minor < 7
  }

  private static func number(_ index: Int, _ release: Words) -> Int {
    var number = 0
    for digit in SystemText.field(index, of: release.bytes, ".") {
      guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9"), number < 1000 else { break }
      number = number * 10 + Int(digit - UInt8(ascii: "0"))
    }
    return number
  }

  // MARK: Lines

  private func lookAtLines(_ report: inout Report) {
    guard let configuration, chipCount > 0 else { return }
    ProfileTexts.withPool(of: configuration) { texts in
      var errors: [BoardError] = []
      GPIOBoard.survey(
        configuration.points.span, texts: texts,
        found: { point, chip, line in
          guard !line.isUsed || line.consumer.equals(Self.ownConsumer) else {
            errors.append(BoardError(point: point, reason: .busy(consumer: line.consumer)))
            return
          }
          let name = configuration.words(configuration.points[point].name)
          let user: Words = line.isUsed ? "which an agent that runs has" : "which is free"
          report.fine(
            .board, "point \"\(name)\": line \(line.offset) of chip \"\(Words(chip))\", \(user)")
        }, missing: { error in errors.append(error) })
      for error in errors {
        report.broken(
          .board, Words(Self.text(error, configuration.points, texts)),
          fix: Self.remedy(error.reason))
      }
    }
  }

  private static func text(
    _ error: BoardError, _ points: [PointSpec], _ texts: borrowing TextPool
  ) -> FixedText<500> {
    var text = FixedText<500>()
    text = FixedText { out in error.describe(points: points.span, texts: texts, into: &out) }
    return text
  }

  private static func remedy(_ reason: BoardError.Reason) -> Words {
    switch reason {
    case .denied, .noChips: "see the chips above"
    case .busy:
      "end what has the line (`sandpiper lines` shows who), or give the point another line"
    default:
      "change the point's \"line\" in the profile; `sandpiper lines` lists all that there are"
    }
  }
}

/// The strings of a profile as the board's functions want them.
enum ProfileTexts {
  static func withPool(of configuration: Configuration, _ body: (borrowing TextPool) -> Void) {
    // Room for the texts, and for what the arena rounds up.
    guard let block = unsafe Memory.map(configuration.texts.count + 64) else { return }
    defer { unsafe Memory.unmap(block) }
    // Sound: the block is page-aligned and outlives the arena and the pool.
    var arena = unsafe Arena(over: block)
    body(TextPool(copying: configuration.texts.span, arena: &arena))
  }
}
