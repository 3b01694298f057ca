{{- define "plugin.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" }}
{{- end }}

{{/* Name of the plugin: that of the release, as a release is one plugin. */}}
{{- define "plugin.fullname" -}}
{{- default .Release.Name .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "plugin.selectorLabels" -}}
app.kubernetes.io/name: {{ include "plugin.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: plugin
{{- end }}

{{- define "plugin.labels" -}}
{{ include "plugin.selectorLabels" . }}
{{- with .Values.image.tag }}
app.kubernetes.io/version: {{ regexReplaceAll "@.*$" . "" | trunc 63 | quote }}
{{- end }}
app.kubernetes.io/part-of: kplug
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "plugin.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "plugin.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* Duration such as 25s or 1m30s in milliseconds, as the SDK expects it. */}}
{{- define "plugin.milliseconds" -}}
{{- $sum := 0.0 }}
{{- $factors := dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000 }}
{{- range regexFindAll "[0-9]+(\\.[0-9]+)?(ms|s|m|h)" . -1 }}
{{- $unit := regexFind "[a-z]+$" . }}
{{- $sum = addf $sum (mulf (trimSuffix $unit . | float64) (get $factors $unit)) }}
{{- end }}
{{- $sum | int64 }}
{{- end }}

{{/* Labels of the host in `controller`, as a list in YAML; empty for an IP address. */}}
{{- define "plugin.controllerLabels" -}}
{{- if regexMatch "^[0-9.]+:|^\\[" .Values.controller }}[]{{ else }}{{ splitList "." (splitList ":" .Values.controller | first) | toJson }}{{ end }}
{{- end }}

{{/* ConfigMap with the CA of the operator: that of its Service, unless another one is given. */}}
{{- define "plugin.caConfigMap" -}}
{{- $labels := include "plugin.controllerLabels" . | fromJsonArray }}
{{- .Values.tls.caConfigMap | default (printf "%s-ca" (first $labels | default "kplug")) }}
{{- end }}

{{/* Namespace of the operator: that in `controller`, else the release's. */}}
{{- define "plugin.controllerNamespace" -}}
{{- $labels := include "plugin.controllerLabels" . | fromJsonArray }}
{{- if ge (len $labels) 2 }}{{ index $labels 1 }}{{ else }}{{ .Release.Namespace }}{{ end }}
{{- end }}
