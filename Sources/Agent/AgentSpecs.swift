import Core
import Device
import Uplink

/// What the rim has to do.
public enum AgentAction: BitwiseCopyable, Equatable, Sendable {
  /// See `LinkAction`.
  case link(LinkAction)
  /// Drive an output; answer with `driven`.
  case drive(Points.Drive)
}

/// Everything that the profile decides, as the constructor needs it.
public struct AgentSpecs: BitwiseCopyable, Sendable {
  /// The device.
  public var device: DeviceSpec
  /// Its way to the broker.
  public var uplink: UplinkSpec

  /// The two together.
  public init(device: DeviceSpec, uplink: UplinkSpec) {
    self.device = device
    self.uplink = uplink
  }
}

/// Why the agent stops.
public enum StopReason: BitwiseCopyable, Sendable {
  /// Asked to: SIGTERM, or a person.
  case asked
  /// To begin anew with a changed profile: outputs do not take their stop state.
  case reload
  /// To be followed by another process, which whoever asks starts: outputs do not take their stop state.
  case handOver

  var slug: StaticString {
    switch self {
    case .asked: "stopped"
    case .reload: "reload"
    case .handOver: "restart"
    }
  }
}
