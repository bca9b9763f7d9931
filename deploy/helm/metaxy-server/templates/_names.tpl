{{/* The names and labels that the objects of a release share. */}}
{{- define "metaxy.name" -}}
{{- printf "%s" .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "metaxy.selector" -}}
app.kubernetes.io/name: metaxy-server
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "metaxy.labels" -}}
{{ include "metaxy.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}
