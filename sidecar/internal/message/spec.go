package message

import (
	"reflect"
	"slices"
)

// Side is an end of the channel.
type Side string

const (
	FromNode    Side = "node"
	FromSidecar Side = "sidecar"
)

// Spec describes one message. Result is nil for an event.
type Spec struct {
	From   Side
	Name   string
	Params reflect.Type
	Result reflect.Type
}

// Specs returns the whole contract.
func Specs() []Spec {
	return slices.Concat(baseSpecs(), runSpecs(), loginSpecs(), measureSpecs(), labLoginSpecs())
}

func baseSpecs() []Spec {
	return []Spec{
		request[Hello, HelloResult](FromNode, MethodHello),
		request[Empty, Empty](FromNode, MethodStop),
		request[Start, Node](FromNode, MethodStart),
		request[Empty, Status](FromNode, MethodStatus),
		request[ListenSocks, ListenSocksResult](FromNode, MethodListenSocks),
		request[ServeDials, ServeDialsResult](FromNode, MethodServeDials),
		request[WatchFlows, Empty](FromNode, MethodWatchFlows),
		request[ClientDial, ClientDialResult](FromNode, MethodClientDial),
		request[Register, Empty](FromNode, MethodRegister),
		request[Unregister, Empty](FromNode, MethodUnregister),
		request[Resolve, ResolveResult](FromNode, MethodResolve),
		request[FileCapabilities, FileCapabilitiesResult](FromNode, MethodFileCapabilities),
		request[Empty, Peers](FromNode, MethodPeers),
		request[Export, ExportResult](FromNode, MethodExport),
		request[Retarget, Empty](FromNode, MethodRetarget),
		request[Unexport, Empty](FromNode, MethodUnexport),
		request[Empty, Exports](FromNode, MethodExports),
		request[Listening, ListeningResult](FromNode, MethodListening),
		request[Whois, WhoisResult](FromNode, MethodWhois),
		request[Empty, ExitNodes](FromNode, MethodExitNodes),
		request[SetExitNode, ExitNodeResult](FromNode, MethodSetExitNode),
		request[Empty, ExitNodeResult](FromNode, MethodSuggestExitNode),
		request[StartLab, StartLabResult](FromNode, MethodStartLab),
		request[AddNode, LabNode](FromNode, MethodAddNode),
		request[RemoveNode, Empty](FromNode, MethodRemoveNode),
		request[SetExitNodeApproved, Empty](FromNode, MethodSetExitNodeApproved),
		request[AddForward, Empty](FromNode, MethodAddForward),
		request[AddRecord, Empty](FromNode, MethodAddRecord),
		request[Ask, AskResult](FromSidecar, MethodAsk),
		event[ClientWrite](FromNode, EventClientWrite),
		event[ClientClose](FromNode, EventClientClose),
		event[Log](FromSidecar, EventLog),
		event[Client](FromSidecar, EventClient),
		event[ClientGone](FromSidecar, EventClientGone),
		event[StateEvent](FromSidecar, EventState),
		event[AuthURL](FromSidecar, EventAuthURL),
		event[FlowOpened](FromSidecar, EventFlowOpened),
		event[FlowClosed](FromSidecar, EventFlowClosed),
		event[ExportState](FromSidecar, EventExportState),
		event[ExitNodeEvent](FromSidecar, EventExitNodeState),
	}
}

func request[P, R any](from Side, name string) Spec {
	return Spec{From: from, Name: name, Params: reflect.TypeFor[P](), Result: reflect.TypeFor[R]()}
}

func event[P any](from Side, name string) Spec {
	return Spec{From: from, Name: name, Params: reflect.TypeFor[P]()}
}
