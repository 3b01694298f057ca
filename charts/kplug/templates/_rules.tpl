{{/*
Plural of a kind, as in its CRD: regular English, unless .Values.rbac.plurals has another one.
Takes { kind, group, plurals }.
*/}}
{{- define "kplug.plural" -}}
{{- $lower := lower .kind }}
{{- $named := get .plurals (printf "%s.%s" .kind .group) }}
{{- if $named }}{{ $named }}
{{- else if regexMatch "[^aeiou]y$" $lower }}{{ trimSuffix "y" $lower }}ies
{{- else if regexMatch "(s|x|z|ch|sh)$" $lower }}{{ $lower }}es
{{- else }}{{ $lower }}s
{{- end }}
{{- end }}

{{/* Plurals of kinds by group, as YAML. Takes { kinds, plurals }. */}}
{{- define "kplug.resourcesByGroup" -}}
{{- $groups := dict }}
{{- range .kinds }}
{{- $group := contains "/" .apiVersion | ternary (splitList "/" .apiVersion | first) "" }}
{{- $plural := include "kplug.plural" (dict "kind" .kind "group" $group "plurals" $.plurals) }}
{{- $_ := set $groups $group (append (get $groups $group | default list) $plural | uniq | sortAlpha) }}
{{- end }}
{{- toYaml $groups }}
{{- end }}

{{/*
"true" if resources of a kind may grant rights, so that plugins may request them only with allowPrivileged.
Takes { kind, group, granting }, the last one from files/rights-granting-kinds.yaml.
*/}}
{{- define "kplug.grantsRights" -}}
{{- if not (has .kind (get .granting.plainKinds .group | default list)) }}
{{- $grants := not (contains "." .group) }}
{{- range .granting.grantingDomains }}
{{- if or (eq $.group .) (hasSuffix (printf ".%s" .) $.group) }}{{ $grants = true }}{{ end }}
{{- end }}
{{- if $grants }}true{{ end }}
{{- end }}
{{- end }}

{{/* Rules of the operator in the namespaces of delegated resources. */}}
{{- define "kplug.delegatedRules" -}}
{{- $bases := list }}
{{- $extensions := list }}
{{- $dependents := list }}
{{- $required := list }}
{{- $granting := .Files.Get "files/rights-granting-kinds.yaml" | fromYaml }}
{{- range .Values.delegations }}
{{- $bases = append $bases .base }}
{{- range dig "extensions" "kinds" list . }}{{ $extensions = append $extensions . }}{{ end }}
{{- range dig "requirements" "kinds" list . }}{{ $required = append $required . }}{{ end }}
{{- range dig "dependents" "kinds" list . }}
{{- $group := contains "/" .apiVersion | ternary (splitList "/" .apiVersion | first) "" }}
{{- $grants := include "kplug.grantsRights" (dict "kind" .kind "group" $group "granting" $granting) }}
{{- if or .allowPrivileged (not $grants) }}{{ $dependents = append $dependents . }}{{ end }}
{{- end }}
{{- end }}
{{- $plurals := .Values.rbac.plurals }}
{{- $baseGroups := include "kplug.resourcesByGroup" (dict "kinds" $bases "plurals" $plurals) | fromYaml }}
{{- $extensionGroups := include "kplug.resourcesByGroup" (dict "kinds" $extensions "plurals" $plurals) | fromYaml }}
{{- $dependentGroups := include "kplug.resourcesByGroup" (dict "kinds" $dependents "plurals" $plurals) | fromYaml }}
{{- $requiredGroups := include "kplug.resourcesByGroup" (dict "kinds" $required "plurals" $plurals) | fromYaml }}
{{- range $group, $resources := $baseGroups }}
# Base resources: the operator patches finalizers and annotations.
- apiGroups: [{{ $group | quote }}]
  resources: {{ toJson $resources }}
  verbs: [get, list, watch, patch]
- apiGroups: [{{ $group | quote }}]
  resources: [{{ range $i, $r := $resources }}{{ if $i }}, {{ end }}{{ printf "%s/status" $r | quote }}{{ end }}]
  verbs: [patch]
# Owner references to base resources, which some API servers restrict.
- apiGroups: [{{ $group | quote }}]
  resources: [{{ range $i, $r := $resources }}{{ if $i }}, {{ end }}{{ printf "%s/finalizers" $r | quote }}{{ end }}]
  verbs: [update]
{{- end }}
{{- range $group, $resources := $extensionGroups }}
# Extension resources.
- apiGroups: [{{ $group | quote }}]
  resources: {{ toJson $resources }}
  verbs: [get, list, watch]
- apiGroups: [{{ $group | quote }}]
  resources: [{{ range $i, $r := $resources }}{{ if $i }}, {{ end }}{{ printf "%s/status" $r | quote }}{{ end }}]
  verbs: [patch]
{{- end }}
{{- range $group, $resources := $dependentGroups }}
# Dependents. Kinds that grant rights are here only if the delegation has allowPrivileged for them.
- apiGroups: [{{ $group | quote }}]
  resources: {{ toJson $resources }}
  verbs: [get, list, watch, create, patch, delete]
{{- end }}
{{- range $group, $resources := $requiredGroups }}
# Resources that plugins may require.
- apiGroups: [{{ $group | quote }}]
  resources: {{ toJson $resources }}
  verbs: [get, list, watch]
{{- end }}
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- if $dependentGroups }}
# The last Event about a dependent that does not become ready.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [list]
{{- end }}
{{- with .Values.rbac.extraRules }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Rules of the operator in the namespaces where plugins are declared: its own, and .Values.pluginNamespaces. */}}
{{- define "kplug.pluginRules" -}}
- apiGroups: [plugins.kplug.dev]
  resources: [plugins]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [plugins.kplug.dev]
  resources: [plugins/status]
  verbs: [patch]
# Plugins behind a Service that send no heartbeats.
- apiGroups: [""]
  resources: [services]
  verbs: [get, list, watch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [get, list, watch]
{{- end }}

{{/* Rules of the operator in the namespaces in which it publishes its CA. */}}
{{- define "kplug.bundleRules" -}}
# CA of the operator, for plugins.
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [{{ include "kplug.fullname" . }}-ca]
  verbs: [get, update]
{{- end }}

{{/* Namespaces of heartbeat.insecurePluginsFrom, whose other entries are CIDRs and addresses. */}}
{{- define "kplug.insecureNamespaces" -}}
{{- $namespaces := list }}
{{- range .Values.heartbeat.insecurePluginsFrom }}
{{- if regexMatch "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" . }}{{ $namespaces = append $namespaces . }}{{ end }}
{{- end }}
{{- toYaml $namespaces }}
{{- end }}

{{/* Rules of the operator in the namespaces from which it accepts plugins of the first Kplug. */}}
{{- define "kplug.insecureRules" -}}
# Pods that send heartbeats, found by their addresses, and the Services that select them.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [services]
  verbs: [list]
{{- end }}

{{/* Rules of the operator in its own namespace. */}}
{{- define "kplug.ownRules" -}}
# Pods of plugins, and the operator's own, which the leader labels.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, patch]
{{ include "kplug.pluginRules" . }}
{{ include "kplug.bundleRules" . }}
{{- if .Values.tls.secretName }}
# Certificate of the operator, which another program renews.
- apiGroups: [""]
  resources: [secrets]
  resourceNames: [{{ .Values.tls.secretName }}]
  verbs: [get]
{{- else }}
# CA and certificates of the operator, with their keys.
- apiGroups: [""]
  resources: [secrets]
  resourceNames: [{{ include "kplug.fullname" . }}-tls]
  verbs: [get, update]
{{- end }}
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- if .Values.leaderElection.enabled }}
# RBAC can't restrict `create` to a name.
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ include "kplug.leaseName" . }}]
  verbs: [get, update]
{{- end }}
{{- end }}
