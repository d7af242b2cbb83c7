import Core
import Device
import Linux
import LinuxBoard
import Profile
import Uplink

/// What one profile needs of the service, and no more: a drop-in for the systemd unit, which itself is for any
/// profile (systemd.unit(5), systemd.resource-control(5)).
struct UnitDropIn {
  /// Where it is to lie.
  static var path: Words { "/etc/systemd/system/sandpiper.service.d/profile.conf" }

  /// What program, libraries, stacks and the kernel's own take beside the budget.
  private static var programBytes: Int { 24 << 20 }

  private let configuration: Configuration
  private let profile: Words

  init(_ configuration: Configuration, profile: Words) {
    (self.configuration, self.profile) = (configuration, profile)
  }

  /// The file's text.
  var text: Words {
    var text: Words = """
      # What \(Self.quoted(profile)) needs of the service. After a change of the profile, and then
      # systemctl daemon-reload:
      # sandpiper plan --drop-in \(Self.quoted(profile)) > \(Self.path)
      [Service]
      # Its budget.memory, and what program and libraries take. Holds for profiles of remote care, too.
      MemoryMax=\(memoryMebibytes)M
      TasksMax=\(tasks)

      """
    if !configuration.points.contains(where: { $0.kind != .sensor }) {
      text.append("# No point of it is a GPIO line.\nDeviceAllow=\n")
    }
    text.append(journal)
    return text
  }

  /// Its lines without the remarks.
  var settings: [[UInt8]] {
    text.bytes.split(separator: UInt8(ascii: "\n")).filter { $0.first != UInt8(ascii: "#") }.map {
      [UInt8]($0)
    }
  }

  private var memoryMebibytes: Int {
    (configuration.memoryBudget + Self.programBytes + (1 << 20) - 1) >> 20
  }

  /// The agent's loop and the thread of name resolution, the shell that reloads it with what it may start;
  /// the sensors' threads; one that waits for the journal's medium, and one of the journal that was closed.
  private var tasks: Int {
    let hasSensors = configuration.points.contains { $0.kind == .sensor }
    return 4 + (hasSensors ? GPIOBoard.sensorThreadsMax : 0)
      + (configuration.uplink.journalBytes > 0 ? 2 : 0)
  }

  /// A journal outside the state directory: on a device, or in a folder that may be missing.
  private var journal: Words {
    let file = configuration.words(configuration.uplink.journalFile).bytes
    guard configuration.uplink.journalBytes > 0, file.first == UInt8(ascii: "/") else { return "" }
    let name: Words = "# The journal.\n"
    if file.starts(with: [UInt8]("/dev/".utf8)) {
      return "\(name)DeviceAllow=\(Self.quoted(Words(file))) rw\n"
    }
    let end = file.lastIndex(of: UInt8(ascii: "/")) ?? 0
    let folder = end == 0 ? Words("/") : Words([UInt8](file[..<end]))
    return "\(name)ReadWritePaths=\(Self.quoted("-\(folder)"))\n"
  }

  /// A path as a word of a unit's setting, or of a shell's command: in quotation marks where it has to be.
  private static func quoted(_ path: Words) -> Words {
    var bytes: [UInt8] = []
    var isPlain = true
    for byte in path.printable.bytes {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "-")...UInt8(ascii: ":"), UInt8(ascii: "_"), UInt8(ascii: "@"):
        break
      case UInt8(ascii: "%"): bytes.append(byte)
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        bytes.append(UInt8(ascii: "\\"))
        isPlain = false
      default: isPlain = false
      }
      bytes.append(byte)
    }
    return isPlain ? Words(bytes) : "\"\(Words(bytes))\""
  }
}
