import Device
import Linux
import Profile
import Uplink

/// Where a run keeps what outlives it.
struct StateFolder {
  /// The folder's path; empty for none.
  let path: [UInt8]

  /// The folder of `--state`, when that is not empty, else the one that systemd gives.
  init(option: String) {
    path =
      option.utf8.isEmpty ? Environment.folder(in: "STATE_DIRECTORY") : [UInt8](option.utf8)
  }

  /// The file with the session numbers of this device; nil without a folder.
  func sessionFile(of configuration: Configuration) -> [UInt8]? {
    guard !path.isEmpty else { return nil }
    let id = configuration.string(configuration.device.id)
    return path + [UInt8](("/" + id + ".session").utf8)
  }

  /// The journal's file: a path from the root as the profile has it, any other in the folder; nil where
  /// there is none.
  func journalFile(of configuration: Configuration) -> [UInt8]? {
    let name = [UInt8](configuration.string(configuration.uplink.journalFile).utf8)
    if name.first == UInt8(ascii: "/") { return name }
    return path.isEmpty ? nil : path + [UInt8(ascii: "/")] + name
  }
}

extension Environment {
  /// The first folder that a variable of systemd's names; empty where it is not set.
  static func folder(in name: StaticString) -> [UInt8] {
    let folders = [UInt8](capacity: 1024) { out in value(of: name, into: &out) }
    // Several are parted by colons (systemd.exec, RuntimeDirectory=).
    return [UInt8](folders.prefix { $0 != UInt8(ascii: ":") })
  }
}
